"""A site whose large mails go to a bucket once their tickets were closed for two days."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.waiting import eventually

SIZE = 100_000
DAY = 86400
START = 1_800_000_000


def set_clock(clock: Path, days: float) -> None:
    """So many days after the beginning; makes the file."""
    clock.touch()
    os.utime(clock, (START + days * DAY,) * 2)


def bucket_site(make_daemon: Callable[..., Daemon], table: str, clock: Path) -> Daemon:
    """With agent alice, on a clock that stands still; not started.  ``table`` is [bucket]."""
    agent = '[agent.alice]\naddress = "alice@example.org"\n'
    daemon = make_daemon(tables=table + agent, environment={"MAILPROC_CLOCK": str(clock)})
    text = daemon.configuration.read_text()
    daemon.configuration.write_text(text.replace("[desk.support]\n", '[desk.support]\nagents = ["alice"]\n'))
    return daemon


def bring(daemon: Daemon, number: int, size: int = SIZE) -> bytes:
    raw = mail(number, size=size)
    with daemon.lmtp() as client:
        client.deliver("carla@customer.example", ["support@example.org"], raw)
    daemon.settle()
    return raw


def close_all(daemon: Daemon) -> None:
    for ticket in daemon.tickets():
        if ticket["state"] != "closed":
            daemon.output("ticket", "close", ticket["ticket"], "--as", "alice")


def moved(daemon: Daemon, count: int) -> dict[str, Any]:
    """What status says of the bucket, once so many mails are there."""

    def look() -> dict[str, Any] | None:
        bucket: dict[str, Any] = daemon.status()["bucket"]
        return bucket if bucket["moved"] == count else None

    return eventually(look)


def original(daemon: Daemon, number: int, raw: bytes) -> bytes:
    """As the command line gives it."""
    ticket = daemon.tickets()[number]["ticket"]
    return daemon.output("ticket", "raw", ticket, hashlib.sha256(raw).hexdigest())
