"""kill -9 at every fail point and at random moments: each mail is there exactly once afterwards."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable

import pytest

from tests.rig import failpoints
from tests.rig.daemon import Daemon
from tests.rig.injector import Injector, deliver
from tests.rig.mails import mail
from tests.rig.oracle import assert_each_once, assert_store_is_sound
from tests.rig.sink import Sink
from tests.rig.waiting import eventually

MakeDaemon = Callable[..., Daemon]

# A customer's mail never comes by these: submission/test_answers.py, and the tests of the folder and of the
# bucket, do.
AGENTS_SIDE = ("answer.", "bucket.", "draft.", "folder.")
PASSED = sorted(name for name in failpoints.in_code() if not name.startswith(AGENTS_SIDE))


@pytest.mark.parametrize("name", PASSED)
def test_a_crash_at_any_fail_point_neither_loses_nor_doubles_a_mail(
    name: str, make_daemon: MakeDaemon, sink: Sink
) -> None:
    daemon = make_daemon(relay_port=sink.port)
    raw = mail(1, size=300_000)  # too large for one read from the socket
    reply = ""
    if daemon.start_to_crash(f"{name}:kill9"):
        reply = deliver(daemon, raw)
    assert daemon.wait_for_death() == -signal.SIGKILL
    daemon.start()
    if not reply.startswith("250"):
        assert deliver(daemon, raw).startswith("250")
    assert_each_once(daemon, [1])
    eventually(lambda: daemon.status()["outbox"]["waiting"] == 0, every=0.2)
    daemon.stop()
    assert len(sink.caught) <= 1
    assert_store_is_sound(daemon)


def test_a_lost_250_and_its_repetition_make_one_ticket(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    daemon.start("intake.committed:kill9")
    assert deliver(daemon, mail(1)) == ""
    assert daemon.wait_for_death() == -signal.SIGKILL
    daemon.start()
    assert deliver(daemon, mail(1)).startswith("250")
    assert_each_once(daemon, [1])
    assert daemon.status()["duplicate"] == 1


def kill_at_random(daemon: Daemon, *, rounds: int, mails_a_round: int, seed: int) -> None:
    """Kill and start the daemon ``rounds`` times while clients send; then look for every mail."""
    moments = random.Random(seed)
    mails = range(rounds * mails_a_round)
    daemon.start()
    for round_ in range(rounds):
        injector = Injector(daemon, mails[round_ * mails_a_round : (round_ + 1) * mails_a_round])
        injector.start()
        time.sleep(moments.uniform(0.0, 0.4))  # the moment of the kill is what this varies
        daemon.kill9()
        daemon.start()
        injector.join(60)
    assert_each_once(daemon, mails)
    daemon.stop()
    assert_store_is_sound(daemon)


@pytest.mark.timeout(300)
def test_twenty_kills_under_load_neither_lose_nor_double_a_mail(make_daemon: MakeDaemon) -> None:
    kill_at_random(make_daemon(), rounds=20, mails_a_round=60, seed=20)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_hundred_kills_under_load_neither_lose_nor_double_a_mail(make_daemon: MakeDaemon) -> None:
    kill_at_random(make_daemon(), rounds=200, mails_a_round=60, seed=200)
