"""Two nodes on one database; customers write, an agent answers; and what must be so at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.rig.agents import add_agents
from tests.rig.answering import Answering, answered
from tests.rig.certificate import make_certificate
from tests.rig.daemon import Daemon
from tests.rig.injector import Injector
from tests.rig.sink import Sink
from tests.rig.waiting import eventually

EARLY = 12  # customers who are answered; they wrote before anything happens


class TwoNodes:
    """Started; the first mails are tickets, and their answers are being sent."""

    def __init__(self, make_node: Callable[..., Daemon], url: str, sink: Sink, folder: Path) -> None:
        certificate = make_certificate(folder)
        self.nodes = [
            make_node(store=url, store_keys="timeout = 3.0", relay_port=sink.port) for _ in range(2)
        ]
        ports = [add_agents(node, certificate) for node in self.nodes]
        for node in self.nodes:
            node.start()
        self._sink = sink
        self._mails = 0
        self._injectors: list[Injector] = []
        self.write(EARLY // 2)
        self._join()
        self.nodes[0].settle()
        self._answering = Answering(ports, range(EARLY))
        self._answering.start()
        eventually(lambda: self._answering.taken, seconds=60)

    @property
    def is_refused(self) -> bool:
        return any(each.refusals for each in self._injectors)

    def write(self, count: int) -> None:
        """So many customers begin to write to each node; some mails are taken when this returns."""
        begun = []
        for node in self.nodes:
            begun.append(Injector(node, range(self._mails, self._mails + count)))
            self._mails += count
            begun[-1].start()
        self._injectors += begun
        eventually(lambda: all(each.acknowledged for each in begun), seconds=60)

    def end(self) -> None:
        """Everybody got through, by and by, and nothing is lost or there twice."""
        self._join()
        self._answering.join(60)
        refusals = [reply for injector in self._injectors for reply in injector.refusals]
        assert {reply[:1] for reply in refusals} <= {"4"}
        last = self.nodes[1]
        eventually(lambda: last.status()["outbox"]["waiting"] == 0, every=0.2, seconds=60)
        assert answered(self._sink) == {f"customer{number}@customer.example": 1 for number in range(EARLY)}
        acknowledged = [each.recipients for each in self._sink.caught if b"Pour water on" not in each.raw]
        assert len(acknowledged) == len(set(acknowledged))
        status = last.settle()
        assert (status["new"], status["quarantined"]) == (self._mails, 0)
        for node in self.nodes:
            assert "Traceback" not in node.log()
            node.stop()

    def _join(self) -> None:
        for injector in self._injectors:
            injector.join(100)
