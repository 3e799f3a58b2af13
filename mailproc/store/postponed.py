"""Mails that a stage wants to see again, because something that it asks was away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.store.connection import Connection, Row

FIRST_WAIT = 10.0  # seconds; each further one is twice as long …
LAST_WAIT = 300.0  # … up to this


@dataclass(frozen=True, slots=True)
class PostponedMail:
    """One mail of a ticket and the stage that waits; ``tags`` say what for."""

    message: int
    stage: str
    desk: str
    tags: tuple[str, ...]
    since: float
    attempts: int
    ticket: int | None  # None where the mail is there no more
    delivery: int | None


def _postponed(row: Row) -> PostponedMail:
    message, stage, desk, tags, *others = row
    return PostponedMail(message, stage, desk, tuple(json.loads(tags)), *others)


class Postponed:
    """Statements on ``postponed``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, message: int, stage: str, desk: str, tags: Sequence[str], now: float) -> None:
        self._connection.run(
            """
            INSERT INTO postponed (message, stage, desk, tags, since, due)
            VALUES (:message, :stage, :desk, :tags, :now, :due)
            ON CONFLICT (message, stage) DO UPDATE SET tags = excluded.tags, due = excluded.due
            """,
            {
                "message": message,
                "stage": stage,
                "desk": desk,
                "tags": json.dumps(tags, ensure_ascii=False),
                "now": now,
                "due": now + FIRST_WAIT,
            },
        )

    def due(self, now: float, limit: int) -> list[PostponedMail]:
        rows = self._connection.all(
            """
            SELECT postponed.message, postponed.stage, postponed.desk, postponed.tags, postponed.since,
                   postponed.attempts, message.ticket, message.delivery
            FROM postponed LEFT JOIN message ON message.id = postponed.message
            WHERE postponed.due <= :now ORDER BY postponed.due, postponed.message LIMIT :limit
            """,
            {"now": now, "limit": limit},
        )
        return list(map(_postponed, rows))

    def wait_on(self, mail: PostponedMail, tags: Sequence[str], now: float) -> bool:
        """Try again after a longer while; False where somebody else was faster."""
        wait = min(FIRST_WAIT * 2.0 ** (mail.attempts + 1), LAST_WAIT)
        changed = self._connection.run(
            """
            UPDATE postponed SET tags = :tags, due = :due, attempts = attempts + 1
            WHERE message = :message AND stage = :stage AND attempts = :attempts
            """,
            {
                "tags": json.dumps(tags, ensure_ascii=False),
                "due": now + wait,
                "message": mail.message,
                "stage": mail.stage,
                "attempts": mail.attempts,
            },
        )
        return bool(changed)

    def hasten(self, desk: str, stage: str, now: float) -> None:
        """What the stage asks is back: the other mails that wait for it need not wait longer."""
        self._connection.run(
            "UPDATE postponed SET due = :now WHERE desk = :desk AND stage = :stage AND due > :now",
            {"now": now, "desk": desk, "stage": stage},
        )

    def remove(self, mail: PostponedMail) -> bool:
        """It has what it waited for, or nobody waits any more; False where somebody else was faster."""
        return bool(
            self._connection.run(
                "DELETE FROM postponed WHERE message = :message AND stage = :stage AND attempts = :attempts",
                {"message": mail.message, "stage": mail.stage, "attempts": mail.attempts},
            )
        )
