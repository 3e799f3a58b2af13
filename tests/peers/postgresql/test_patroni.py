"""A real Patroni replaces its primary, when it is told to and when the machine dies, while mail comes in."""

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
from tests.rig.patroni import PatroniCluster
from tests.rig.sink import Sink
from tests.rig.waiting import eventually

pytestmark = [pytest.mark.peers, pytest.mark.soak, pytest.mark.timeout(600)]

EARLY, MAILS = range(12), range(600)


@pytest.fixture
def cluster() -> Iterator[PatroniCluster]:
    if lacking := PatroniCluster.missing():
        peer_is_missing(f"{lacking} is not installed")
    cluster = PatroniCluster()
    try:
        cluster.wait_until_whole()
        yield cluster
    finally:
        cluster.remove()


def inject(node: Daemon, numbers: range) -> Injector:
    injector = Injector(node, numbers)
    injector.start()
    return injector


def test_a_switchover_and_a_dead_primary_lose_and_double_nothing(
    make_node: Callable[..., Daemon], cluster: PatroniCluster, sink: Sink, tmp_path: Path
) -> None:
    url, certificate = cluster.new_schema("site"), make_certificate(tmp_path)
    nodes = [make_node(store=url, store_keys="timeout = 3.0", relay_port=sink.port) for _ in range(2)]
    ports = [add_agents(node, certificate) for node in nodes]
    for node in nodes:
        node.start()
    inject(nodes[0], EARLY).join(60)
    nodes[0].settle()

    answering = Answering(ports, EARLY)
    answering.start()
    parts = [range(len(EARLY) + part, len(MAILS), 4) for part in range(4)]
    first = [inject(node, part) for node, part in zip(nodes, parts[:2], strict=True)]
    eventually(lambda: all(each.acknowledged for each in first))
    cluster.switch_over()
    cluster.wait_until_whole()  # before that nobody may be promoted
    second = [inject(node, part) for node, part in zip(nodes, parts[2:], strict=True)]
    eventually(lambda: all(each.acknowledged for each in second), seconds=60)
    primary = cluster.lose_primary()
    for injector in (*first, *second):
        injector.join(100)
    answering.join(60)

    where = nodes[0].output("check", "--probe").decode()
    assert f"127.0.0.1:{cluster.port_of(primary)} is the primary" in where
    refusals = [reply for injector in (*first, *second) for reply in injector.refusals]
    assert {reply[:1] for reply in refusals} == {"4"}  # while nobody was the primary
    eventually(lambda: nodes[1].status()["outbox"]["waiting"] == 0, every=0.2, seconds=60)
    assert answered(sink) == {f"customer{number}@customer.example": 1 for number in EARLY}
    acknowledged = [each.recipients for each in sink.caught if b"Pour water on" not in each.raw]
    assert len(acknowledged) == len(set(acknowledged))
    status = nodes[1].settle()
    assert (status["new"], status["quarantined"]) == (len(MAILS), 0)
    for node in nodes:
        assert "Traceback" not in node.log()
        node.stop()
