"""A watcher's late writes are expected for a while, and then what lies there was moved by an agent."""

from __future__ import annotations

from mailproc.imap.inherited import LATE, Inherited
from mailproc.model.folder import CLOSED, NEW
from mailproc.store.folders import CopyRecord

TAKEN_OVER = 1_000_000.0


def test_only_what_was_being_written_may_come_late() -> None:
    records = [CopyRecord("a", place=NEW, aim=CLOSED), CopyRecord("b", place=NEW)]
    assert Inherited(records, TAKEN_OVER).aims(TAKEN_OVER) == {"a": CLOSED}


def test_it_is_not_expected_for_ever() -> None:
    inherited = Inherited([CopyRecord("a", aim=CLOSED)], TAKEN_OVER)
    assert inherited.aims(TAKEN_OVER + LATE - 1.0)
    assert not inherited.aims(TAKEN_OVER + LATE)
