"""A store that was not closed in order is looked at before anything listens."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.waiting import eventually

PAGE = 4096


def stopped(make_daemon: Callable[..., Daemon], workers: int = 1) -> Daemon:
    """One that took mail and ended in order: everything is in the main file now."""
    daemon = make_daemon(top=f"workers = {workers}")
    daemon.start()
    fill(daemon)
    daemon.stop()
    return daemon


def fill(daemon: Daemon) -> None:
    with daemon.lmtp() as client:
        for number in range(30):
            client.deliver("carla@customer.example", ["support@example.org"], mail(number, size=4000))
    daemon.settle()


def test_a_damaged_store_is_refused_after_an_unclean_end(make_daemon: Callable[..., Daemon]) -> None:
    daemon = stopped(make_daemon)
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
    fill(daemon)
    daemon.kill9()
    daemon.start()
    assert daemon.settle()["accepted"] == 30
    daemon.stop()


def test_after_an_orderly_end_the_store_is_read_beside_the_work(make_daemon: Callable[..., Daemon]) -> None:
    daemon = stopped(make_daemon)
    daemon.start()
    eventually(lambda: f"{daemon.database} is sound" in daemon.log())
    daemon.stop()


@pytest.mark.parametrize("workers", [1, 2])
def test_damage_that_is_found_beside_the_work_ends_the_daemon_until_a_backup_is_restored(
    make_daemon: Callable[..., Daemon], workers: int
) -> None:
    daemon = stopped(make_daemon, workers)
    with daemon.database.open("r+b") as file:
        file.seek(-10 * PAGE, os.SEEK_END)
        file.write(b"\xff" * 8 * PAGE)
    daemon.start_to_crash("")
    assert daemon.wait_for_death() == 1
    assert "damaged=" in daemon.log()
    assert "starting it anew" not in daemon.log()
    assert not daemon.start_to_crash("")
    assert daemon.wait_for_death() == 1
    assert "restore a backup" in daemon.log().splitlines()[-1]
