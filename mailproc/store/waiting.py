"""Tickets that wait: for their customers, who may be silent, and for agents who are absent."""

from __future__ import annotations

from collections.abc import Mapping

from mailproc.store.connection import Connection


class Waiting:
    """Statements on ``ticket.answered`` and ``ticket.warned``, which every change of the state sets anew.

    Tickets are given by their rows' ids, those that wait longest first.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claims_of(self, desk: str, agent: str) -> list[int]:
        """What an agent holds at a desk."""
        return self._ids(
            """
            SELECT id FROM ticket WHERE desk = :desk AND state = 'claimed' AND owner = :agent ORDER BY id
            """,
            {"desk": desk, "agent": agent},
        )

    def to_warn(self, desk: str, answered: float, limit: int) -> list[int]:
        """Answered until then, and the customer was not told yet that the ticket will be closed."""
        return self._ids(
            """
            SELECT id FROM ticket
            WHERE desk = :desk AND state = 'answered' AND answered <= :answered AND warned IS NULL
            ORDER BY answered LIMIT :limit
            """,
            {"desk": desk, "answered": answered, "limit": limit},
        )

    def to_close(self, desk: str, answered: float, warned: float, limit: int) -> list[int]:
        """Answered and warned until then."""
        return self._ids(
            """
            SELECT id FROM ticket
            WHERE desk = :desk AND state = 'answered' AND answered <= :answered AND warned <= :warned
            ORDER BY answered LIMIT :limit
            """,
            {"desk": desk, "answered": answered, "warned": warned, "limit": limit},
        )

    def from_the_future(self, desk: str, now: float, limit: int) -> list[int]:
        """Answered or warned at a time that is still to come: the clock was wrong then."""
        return self._ids(
            """
            SELECT id FROM ticket
            WHERE desk = :desk AND state = 'answered' AND (answered > :now OR warned > :now)
            ORDER BY answered LIMIT :limit
            """,
            {"desk": desk, "now": now, "limit": limit},
        )

    def bring_back(self, ticket: int, now: float) -> None:
        """What is said to come happened now."""
        self._connection.run(
            """
            UPDATE ticket SET answered = CASE WHEN answered > :now THEN :now ELSE answered END,
                warned = CASE WHEN warned > :now THEN :now ELSE warned END
            WHERE id = :ticket
            """,
            {"ticket": ticket, "now": now},
        )

    def date(self, ticket: int, answered: float | None, warned: float | None) -> None:
        """Since when it waits, where that is known, and when its customer was told."""
        self._connection.run(
            "UPDATE ticket SET answered = coalesce(:answered, answered), warned = :warned WHERE id = :ticket",
            {"ticket": ticket, "answered": answered, "warned": warned},
        )

    def answered_at(self, ticket: int) -> float | None:
        """Since when a ticket waits for its customer; None for one that does not."""
        row = self._connection.one("SELECT answered FROM ticket WHERE id = :ticket", {"ticket": ticket})
        return row[0] if row else None

    def set_warned(self, ticket: int, now: float) -> None:
        """The customer was told, or need not be."""
        self._connection.run(
            "UPDATE ticket SET warned = :now WHERE id = :ticket", {"ticket": ticket, "now": now}
        )

    def _ids(self, sql: str, parameters: Mapping[str, object]) -> list[int]:
        return [row[0] for row in self._connection.all(sql, parameters)]
