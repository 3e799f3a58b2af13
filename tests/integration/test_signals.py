"""The daemon and its service manager: ready, alive, stopping, and signals at awkward moments."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from tests.rig.daemon import Daemon
from tests.rig.injector import deliver
from tests.rig.lmtp import dot_stuffed
from tests.rig.mails import mail
from tests.rig.oracle import assert_each_once, assert_store_is_sound
from tests.rig.waiting import eventually


@pytest.fixture
def daemon(make_daemon: Callable[..., Daemon]) -> Iterator[Daemon]:
    daemon = make_daemon()
    daemon.start()
    yield daemon


def test_the_daemon_prints_one_line_that_says_ready(daemon: Daemon) -> None:
    ready = eventually(lambda: daemon.printed().splitlines())
    assert len(ready) == 1
    assert "ready" in ready[0]
    assert f"127.0.0.1:{daemon.lmtp_port}" in ready[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_daemon_in_order(daemon: Daemon, number: signal.Signals) -> None:
    with daemon.lmtp() as idle:
        daemon.signal(number)
        assert daemon.says(b"STOPPING=1", seconds=20)
        assert idle.reply().startswith("421")
    assert daemon.wait_for_death() == 0
    assert_store_is_sound(daemon)


def test_a_mail_on_its_way_in_is_taken_over_before_the_end(daemon: Daemon) -> None:
    """SIGTERM within DATA: the client that goes on within the grace gets its 250, and it is true."""
    raw = dot_stuffed(mail(1))
    with daemon.lmtp() as client:
        for command in ("MAIL FROM:<c@customer.example>", "RCPT TO:<support@example.org>"):
            assert client.command(command).startswith("250")
        assert client.command("DATA").startswith("354")
        client.send(raw[:100])
        daemon.signal(signal.SIGTERM)
        assert daemon.says(b"STOPPING=1", seconds=20)
        client.send(raw[100:] + b".\r\n")
        assert client.reply().startswith("250")
    assert daemon.wait_for_death() == 0
    daemon.start()
    assert_each_once(daemon, [1])


def test_a_second_signal_ends_at_once_and_loses_nothing(daemon: Daemon) -> None:
    assert deliver(daemon, mail(1)).startswith("250")
    with daemon.lmtp() as client:
        for command in ("MAIL FROM:<c@customer.example>", "RCPT TO:<support@example.org>"):
            assert client.command(command).startswith("250")
        assert client.command("DATA").startswith("354")
        daemon.signal(signal.SIGTERM)
        assert daemon.says(b"STOPPING=1", seconds=20)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait_for_death() == -signal.SIGTERM
    daemon.start()
    assert_each_once(daemon, [1])


def test_the_loss_of_the_service_manager_does_not_matter(daemon: Daemon) -> None:
    daemon.leave_unsupervised()
    daemon.stop()


def test_a_second_daemon_on_the_same_store_is_refused(daemon: Daemon) -> None:
    assert daemon.serve_beside() != 0
    assert deliver(daemon, mail(1)).startswith("250")


def test_a_mistake_in_the_configuration_ends_with_status_2(make_daemon: Callable[..., Daemon]) -> None:
    """So that systemd does not start it again and again (RestartPreventExitStatus=2)."""
    daemon = make_daemon(top="hostnam = 'x'\n")
    assert not daemon.start_to_crash("")
    assert daemon.wait_for_death() == 2
    assert "did you mean" in daemon.log()
