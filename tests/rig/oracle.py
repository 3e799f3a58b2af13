"""What must be true after any accident."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.rig.daemon import Daemon
from tests.rig.mails import subject_of

PARTS = ("new", "follow_up", "duplicate", "ignored", "quarantined", "waiting")


def assert_adds_up(status: dict[str, Any]) -> None:
    """Every accepted delivery is in exactly one of the six counts."""
    assert status["accepted"] == sum(status[part] for part in PARTS), status


def assert_each_once(daemon: Daemon, numbers: Iterable[int]) -> None:
    """Each of these mails, and nothing else, is a ticket of one message."""
    status = daemon.settle()
    assert_adds_up(status)
    tickets = daemon.tickets()
    assert Counter(ticket["subject"] for ticket in tickets) == Counter(map(subject_of, numbers))
    assert {ticket["messages"] for ticket in tickets} <= {1}
    assert status["new"] == len(tickets), status
    assert (status["ignored"], status["quarantined"], status["follow_up"]) == (0, 0, 0)


def assert_store_is_sound(daemon: Daemon) -> None:
    """SQLite finds nothing wrong with its file; the daemon may run."""
    with sqlite3.connect(daemon.database) as connection:
        assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    connection.close()
