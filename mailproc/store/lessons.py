"""Tickets that an agent called spam, or no spam: learnt when the time to change one's mind is over."""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.store.connection import Connection


@dataclass(frozen=True, slots=True)
class LessonDue:
    """``label`` is ham or spam; ``agent`` said so."""

    ticket: int
    label: str
    agent: str = ""


class Lessons:
    """Statements on ``lesson_due``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def set(self, ticket: int, label: str, at: float, agent: str = "") -> None:
        """An agent said at this time what a ticket is; what was said before is forgotten."""
        self._connection.run(
            """
            INSERT INTO lesson_due (ticket, label, at, agent) VALUES (:ticket, :label, :at, :agent)
            ON CONFLICT (ticket) DO UPDATE
            SET label = excluded.label, at = excluded.at, agent = excluded.agent
            """,
            {"ticket": ticket, "label": label, "at": at, "agent": agent},
        )

    def drop(self, ticket: int) -> None:
        self._connection.run("DELETE FROM lesson_due WHERE ticket = :ticket", {"ticket": ticket})

    def pending(self, ticket: int) -> str | None:
        """What is to be learnt of a ticket but is not yet."""
        row = self._connection.one("SELECT label FROM lesson_due WHERE ticket = :ticket", {"ticket": ticket})
        return row[0] if row else None

    def said_before(self, moment: float, limit: int) -> list[LessonDue]:
        rows = self._connection.all(
            "SELECT ticket, label, agent FROM lesson_due WHERE at <= :moment ORDER BY at LIMIT :limit",
            {"moment": moment, "limit": limit},
        )
        return [LessonDue(*row) for row in rows]
