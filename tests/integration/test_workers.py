"""Several workers on one store: nothing is lost when one dies, and all end together."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.waiting import eventually

DESK = "support@example.org"
MAILS = 40


def deliver(daemon: Daemon, first: int, count: int) -> None:
    for number in range(first, first + count):
        with daemon.lmtp() as client:  # a connection each: the kernel spreads them over the workers
            assert client.deliver("carla@customer.example", [DESK], mail(number)) == ["250 2.0.0 Accepted"]


def test_all_workers_take_mail_and_everything_adds_up(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon(top="workers = 2")
    daemon.start()
    assert len(daemon.workers) == 2
    deliver(daemon, 0, MAILS)
    status = daemon.settle()
    assert (status["accepted"], status["new"]) == (MAILS, MAILS)
    daemon.stop()


def test_a_worker_that_is_killed_is_started_anew_and_loses_no_mail(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon(top="workers = 2")
    daemon.start()
    deliver(daemon, 0, MAILS // 2)
    victim = daemon.workers[0]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: len(daemon.workers) == 2 and victim not in daemon.workers)
    deliver(daemon, MAILS // 2, MAILS // 2)
    status = daemon.settle()
    assert (status["accepted"], status["new"] + status["follow_up"]) == (MAILS, MAILS)
    daemon.stop()


def test_workers_end_when_their_supervisor_is_killed(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon(top="workers = 2")
    daemon.start()
    workers = daemon.workers
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.wait_for_death()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    daemon.start()
    daemon.stop()


def test_a_hangup_of_a_worker_does_not_end_it(make_daemon: Callable[..., Daemon]) -> None:
    """Who sends SIGHUP to every process of the service means the supervisor."""
    daemon = make_daemon(top="workers = 2")
    daemon.start()
    workers = daemon.workers
    for worker in workers:
        os.kill(worker, signal.SIGHUP)
    deliver(daemon, 0, 4)
    assert daemon.workers == workers
    daemon.stop()


def test_a_daemon_with_one_worker_ends_as_that_one_did(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon()
    daemon.start()
    (worker,) = daemon.workers
    os.kill(worker, signal.SIGKILL)
    assert daemon.wait_for_death() == -signal.SIGKILL
    daemon.start()
    assert "was not closed in order" in daemon.log()
    daemon.stop()


def test_a_second_daemon_is_refused_while_workers_run(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon(top="workers = 2")
    daemon.start()
    assert daemon.serve_beside() == 1
    daemon.stop()


def test_the_service_manager_hears_that_all_is_well_only_while_every_worker_works(
    make_daemon: Callable[..., Daemon],
) -> None:
    """sd_watchdog_enabled(3): a daemon that says nothing for so long is started anew."""
    daemon = make_daemon(top="workers = 2", environment={"WATCHDOG_USEC": "2000000"})
    daemon.start()
    assert daemon.says(b"WATCHDOG=1", seconds=20)
    stuck = daemon.workers[0]
    os.kill(stuck, signal.SIGSTOP)
    eventually(lambda: "a worker was not heard of" in daemon.log())
    while daemon.says(b"WATCHDOG=1", seconds=0.5):  # what it said before that
        pass
    os.kill(stuck, signal.SIGCONT)
    assert daemon.says(b"WATCHDOG=1", seconds=20)
    daemon.stop()
