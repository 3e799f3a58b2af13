"""The database goes away, hangs and comes back while mail comes in: each mail is there once in the end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial

import pytest

from tests.rig.daemon import Daemon
from tests.rig.injector import Injector, deliver
from tests.rig.mails import mail
from tests.rig.oracle import assert_adds_up, assert_each_once
from tests.rig.sink import Sink
from tests.rig.store_server import StoreServer
from tests.rig.waiting import eventually

pytestmark = [pytest.mark.peers, pytest.mark.slow]

MakeNode = Callable[..., Daemon]
MAILS = range(150)


@pytest.fixture
def node(make_node: MakeNode, own_server: StoreServer, sink: Sink) -> Daemon:
    """One that gives up on a server early, with two workers and a relay."""
    node = make_node(
        store=own_server.new_schema(), store_keys="timeout = 2.0", top="workers = 2", relay_port=sink.port
    )
    node.start()
    return node


def load(node: Daemon) -> Injector:
    injector = Injector(node, MAILS)
    injector.start()
    eventually(lambda: len(injector.acknowledged) > 20)
    return injector


def assert_nothing_is_lost_or_doubled(node: Daemon, injector: Injector, sink: Sink) -> None:
    """Also no acknowledgement."""
    injector.join(100)
    assert {reply[:1] for reply in injector.refusals} <= {"4"}
    assert_each_once(node, MAILS)
    eventually(lambda: node.status()["outbox"]["waiting"] == 0, every=0.2, seconds=60)
    recipients = [caught.recipients for caught in sink.caught]
    assert len(recipients) == len(set(recipients))
    assert "Traceback" not in node.log()
    node.stop()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_the_server_is_restarted(
    node: Daemon, own_server: StoreServer, sink: Sink, how: signal.Signals
) -> None:
    injector = load(node)
    own_server.end(how)
    own_server.start()
    assert_nothing_is_lost_or_doubled(node, injector, sink)


def test_the_server_is_away_for_longer_than_anybody_waits(
    node: Daemon, own_server: StoreServer, sink: Sink
) -> None:
    injector = load(node)
    own_server.crash()
    eventually(lambda: injector.refusals, seconds=60)
    assert injector.refusals[0].startswith("451 4.3.0")
    own_server.start()
    assert_nothing_is_lost_or_doubled(node, injector, sink)


def has_gone_on(injector: Injector, seen: int) -> bool:
    return injector.done or len(injector.acknowledged) > seen


def test_sessions_are_ended_again_and_again(node: Daemon, own_server: StoreServer, sink: Sink) -> None:
    injector = load(node)
    for _ in range(8):
        seen = len(injector.acknowledged)
        own_server.terminate_backends()
        eventually(partial(has_gone_on, injector, seen))
    assert_nothing_is_lost_or_doubled(node, injector, sink)


def test_the_server_stands_still(node: Daemon, own_server: StoreServer, sink: Sink) -> None:
    injector = load(node)
    own_server.freeze()
    eventually(lambda: injector.refusals, seconds=60)
    own_server.thaw()
    assert_nothing_is_lost_or_doubled(node, injector, sink)


def test_a_daemon_does_not_start_without_its_server_and_loses_nothing(
    node: Daemon, own_server: StoreServer
) -> None:
    assert deliver(node, mail(1)).startswith("250")
    own_server.crash()
    node.kill9()
    assert not node.start_to_crash("")
    assert "Connection refused" in node.log()
    own_server.start()
    node.start()
    assert_adds_up(node.settle())
    assert [ticket["subject"] for ticket in node.tickets()] == ["Printer number 1"]
    node.stop()
