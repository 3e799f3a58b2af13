"""Tickets that an agent called spam, or no spam: learnt when the time to change one's mind is over."""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.store.connection import Connection


@dataclass(frozen=True, slots=True)
class LessonDue:
    """``label`` is ham or spam."""

    ticket: int
    label: str


class Lessons:
    """Statements on ``lesson_due``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def set(self, ticket: int, label: str, due: float) -> None:
        """Learn a ticket at ``due``; what was to be learnt of it before is forgotten."""
        self._connection.run(
            """
            INSERT INTO lesson_due (ticket, label, due) VALUES (:ticket, :label, :due)
            ON CONFLICT (ticket) DO UPDATE SET label = excluded.label, due = excluded.due
            """,
            {"ticket": ticket, "label": label, "due": due},
        )

    def drop(self, ticket: int) -> None:
        self._connection.run("DELETE FROM lesson_due WHERE ticket = :ticket", {"ticket": ticket})

    def pending(self, ticket: int) -> str | None:
        """What is to be learnt of a ticket but is not yet."""
        row = self._connection.one("SELECT label FROM lesson_due WHERE ticket = :ticket", {"ticket": ticket})
        return row[0] if row else None

    def due(self, now: float, limit: int) -> list[LessonDue]:
        rows = self._connection.all(
            "SELECT ticket, label FROM lesson_due WHERE due <= :now ORDER BY due LIMIT :limit",
            {"now": now, "limit": limit},
        )
        return [LessonDue(*row) for row in rows]
