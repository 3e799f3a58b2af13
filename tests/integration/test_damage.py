"""A store that was not closed in order is looked at before anything listens."""

from __future__ import annotations

from collections.abc import Callable

from tests.rig.daemon import Daemon
from tests.rig.mails import mail

PAGE = 4096


def filled(daemon: Daemon) -> None:
    with daemon.lmtp() as client:
        for number in range(30):
            client.deliver("carla@customer.example", ["support@example.org"], mail(number, size=4000))
    daemon.settle()


def test_a_damaged_store_is_refused_after_an_unclean_end(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon()
    daemon.start()
    filled(daemon)
    daemon.stop()  # everything is in the main file now
    daemon.start()
    daemon.kill9()
    with daemon.database.open("r+b") as file:
        file.seek(20 * PAGE)
        file.write(b"\xff" * 10 * PAGE)
    assert not daemon.start_to_crash("")
    assert daemon.wait_for_death() == 1
    assert "is damaged" in daemon.log()


def test_a_sound_store_serves_again_after_an_unclean_end(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon()
    daemon.start()
    filled(daemon)
    daemon.kill9()
    daemon.start()
    assert daemon.settle()["accepted"] == 30
    daemon.stop()
