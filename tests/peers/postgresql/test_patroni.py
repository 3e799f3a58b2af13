"""A real Patroni replaces its primary, when it is told to and when the machine dies, while mail comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import peer_is_missing
from tests.rig.daemon import Daemon
from tests.rig.patroni import PatroniCluster
from tests.rig.sink import Sink
from tests.rig.two_nodes import TwoNodes
from tests.rig.waiting import eventually

pytestmark = [pytest.mark.peers, pytest.mark.soak, pytest.mark.timeout(600)]


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


def test_a_switchover_and_a_dead_primary_lose_and_double_nothing(
    make_node: Callable[..., Daemon], cluster: PatroniCluster, sink: Sink, tmp_path: Path
) -> None:
    site = TwoNodes(make_node, cluster.new_schema("site"), sink, tmp_path)
    site.write(150)
    cluster.switch_over()
    cluster.wait_until_whole()  # before that nobody may be promoted
    site.write(150)
    primary = cluster.lose_primary()
    eventually(lambda: site.is_refused)
    where = site.nodes[0].output("check", "--probe").decode()
    assert f"127.0.0.1:{cluster.port_of(primary)} is the primary" in where
    site.end()
