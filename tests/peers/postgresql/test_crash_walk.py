"""kill -9 at every fail point on PostgreSQL: each mail is there once, and acknowledged at most once."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.rig import failpoints
from tests.rig.daemon import Daemon
from tests.rig.injector import deliver
from tests.rig.mails import mail
from tests.rig.oracle import assert_each_once
from tests.rig.sink import Sink
from tests.rig.waiting import eventually

pytestmark = [pytest.mark.peers, pytest.mark.soak]

# The agents' side, and what only a file or a bucket passes; a server's migration ends with its session.
ELSEWHERE = ("answer.", "draft.", "folder.", "migrate.", "bucket.")
PASSED = sorted(name for name in failpoints.in_code() if not name.startswith(ELSEWHERE))


@pytest.mark.parametrize("name", PASSED)
def test_a_crash_at_any_fail_point_neither_loses_nor_doubles_a_mail(
    name: str, make_node: Callable[..., Daemon], sink: Sink
) -> None:
    node = make_node(relay_port=sink.port)
    raw = mail(1, size=300_000)  # too large for one read from the socket
    node.start(f"{name}:kill9")
    reply = deliver(node, raw)
    assert node.wait_for_death() == -signal.SIGKILL
    node.start()
    if not reply.startswith("250"):
        assert deliver(node, raw).startswith("250")
    assert_each_once(node, [1])
    eventually(lambda: node.status()["outbox"]["waiting"] == 0, every=0.2)
    node.stop()
    assert len(sink.caught) <= 1
