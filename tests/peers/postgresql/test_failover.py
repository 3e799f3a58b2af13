"""The primary dies and a standby takes over, while mail comes in and answers go out on two nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import peer_is_missing
from tests.rig.daemon import Daemon
from tests.rig.sink import Sink
from tests.rig.standby import Standby, url_of_both
from tests.rig.store_server import StoreServer
from tests.rig.two_nodes import TwoNodes
from tests.rig.waiting import eventually

pytestmark = [pytest.mark.peers, pytest.mark.slow]

MakeNode = Callable[..., Daemon]


@pytest.fixture
def standby(own_server: StoreServer) -> Iterator[Standby]:
    if lacking := Standby.missing():
        peer_is_missing(f"{lacking} is not installed")
    standby = Standby(own_server)
    yield standby
    standby.remove()


def test_a_standby_takes_over_and_nothing_is_lost_or_doubled(
    make_node: MakeNode, own_server: StoreServer, standby: Standby, sink: Sink, tmp_path: Path
) -> None:
    own_server.ask("CREATE SCHEMA site")
    site = TwoNodes(make_node, url_of_both(own_server, standby, "site"), sink, tmp_path)
    where = site.nodes[0].output("check", "--probe").decode()
    assert f"127.0.0.1:{own_server.port} is the primary" in where
    site.write(74)
    own_server.die()
    eventually(lambda: site.is_refused, seconds=60)
    standby.promote()
    site.end()
    assert standby.ask("SELECT pg_is_in_recovery()") == [(False,)]
