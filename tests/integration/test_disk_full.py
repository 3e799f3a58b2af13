"""A disk that fills and recovers: 4xx while it is full, nothing that was acknowledged is lost."""

from __future__ import annotations

import base64
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rig.daemon import Daemon
from tests.rig.injector import deliver
from tests.rig.mails import mail
from tests.rig.oracle import assert_each_once, assert_store_is_sound
from tests.rig.waiting import eventually


class SmallDisk:
    """A file system in memory, so small that it can be filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._mount("size=4m")

    def grow(self) -> None:
        self._mount("remount,size=64m")

    def unmount(self) -> None:
        subprocess.run(["umount", str(self.folder)], check=True)

    def _mount(self, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(self.folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = SmallDisk(tmp_path / "disk")
    yield disk
    disk.unmount()


@pytest.fixture
def daemon(small_disk: SmallDisk, make_daemon: Callable[..., Daemon]) -> Iterator[Daemon]:
    daemon = make_daemon(data_dir=str(small_disk.folder))
    daemon.start()
    yield daemon
    daemon.clean_up()  # before the disk is unmounted


def large_mail(number: int) -> bytes:
    """100 KiB that no compression makes smaller."""
    noise = base64.encodebytes(random.Random(number).randbytes(75_000)).replace(b"\n", b"\r\n")
    return mail(number) + noise


def fill(daemon: Daemon) -> tuple[list[int], str]:
    """Deliver until the daemon takes no more: the numbers it acknowledged, and its refusal."""
    acknowledged: list[int] = []
    for number in range(200):
        reply = deliver(daemon, large_mail(number))
        if not reply.startswith("250"):
            return acknowledged, reply
        acknowledged.append(number)
    raise AssertionError("the disk did not get full")


def test_a_full_disk_defers_mail_and_loses_none(small_disk: SmallDisk, daemon: Daemon) -> None:
    acknowledged, refusal = fill(daemon)
    assert acknowledged
    assert refusal.startswith("452 4.3.1")
    later = [number + 1000 for number in range(5)]
    assert {deliver(daemon, large_mail(number))[0] for number in later} == {"4"}
    assert daemon.running
    small_disk.grow()
    eventually(lambda: deliver(daemon, large_mail(later[0])).startswith("250"), every=0.5)
    assert {deliver(daemon, large_mail(number))[:3] for number in later} == {"250"}
    assert_each_once(daemon, [*acknowledged, *later])
    daemon.stop()
    assert_store_is_sound(daemon)


def test_a_start_on_a_full_disk_works_once_there_is_room(small_disk: SmallDisk, daemon: Daemon) -> None:
    acknowledged, _ = fill(daemon)
    daemon.kill9()
    small_disk.grow()
    daemon.start()
    assert_each_once(daemon, acknowledged)
