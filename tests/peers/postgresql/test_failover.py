"""The primary dies and a standby takes over, while mail comes in and answers go out on two nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import peer_is_missing
from tests.rig.agents import add_agents
from tests.rig.answering import Answering, answered
from tests.rig.certificate import make_certificate
from tests.rig.daemon import Daemon
from tests.rig.injector import Injector
from tests.rig.sink import Sink
from tests.rig.standby import Standby, url_of_both
from tests.rig.store_server import StoreServer
from tests.rig.waiting import eventually

pytestmark = [pytest.mark.peers, pytest.mark.slow]

MakeNode = Callable[..., Daemon]
EARLY, MAILS = range(12), range(160)


@pytest.fixture
def standby(own_server: StoreServer) -> Iterator[Standby]:
    if lacking := Standby.missing():
        peer_is_missing(f"{lacking} is not installed")
    standby = Standby(own_server)
    yield standby
    standby.remove()


def inject(node: Daemon, numbers: range) -> Injector:
    injector = Injector(node, numbers)
    injector.start()
    return injector


def test_a_standby_takes_over_and_nothing_is_lost_or_doubled(
    make_node: MakeNode, own_server: StoreServer, standby: Standby, sink: Sink, tmp_path: Path
) -> None:
    own_server.ask("CREATE SCHEMA site")
    url, certificate = url_of_both(own_server, standby, "site"), make_certificate(tmp_path)
    nodes = [make_node(store=url, store_keys="timeout = 3.0", relay_port=sink.port) for _ in range(2)]
    ports = [add_agents(node, certificate) for node in nodes]
    for node in nodes:
        node.start()
    assert f"127.0.0.1:{own_server.port} is the primary" in nodes[0].output("check", "--probe").decode()
    inject(nodes[0], EARLY).join(60)
    nodes[0].settle()

    answering = Answering(ports, EARLY)
    answering.start()
    eventually(lambda: answering.taken, seconds=60)
    injectors = [inject(node, MAILS[len(EARLY) + part :: 2]) for part, node in enumerate(nodes)]
    eventually(lambda: all(each.acknowledged for each in injectors))
    own_server.die()
    eventually(lambda: any(each.refusals for each in injectors), seconds=60)
    standby.promote()
    for injector in injectors:
        injector.join(100)
    answering.join(60)

    assert {reply[:1] for injector in injectors for reply in injector.refusals} <= {"4"}
    assert standby.ask("SELECT pg_is_in_recovery()") == [(False,)]
    eventually(lambda: nodes[1].status()["outbox"]["waiting"] == 0, every=0.2, seconds=60)
    assert answered(sink) == {f"customer{number}@customer.example": 1 for number in EARLY}
    acknowledged = [each.recipients for each in sink.caught if b"Pour water on" not in each.raw]
    assert len(acknowledged) == len(set(acknowledged))
    status = nodes[1].settle()
    assert (status["new"], status["quarantined"]) == (len(MAILS), 0)
    for node in nodes:
        assert "Traceback" not in node.log()
        node.stop()
