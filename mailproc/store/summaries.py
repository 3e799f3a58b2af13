"""What is kept of tickets for reports, so that those need not walk through every history again.

A row tells all of its ticket up to the mark: an event and a message.  Only tickets at rest have one: those
with newer rows are told apart by these, and nothing is written here when mail comes in.  Where a ticket is
part of another, what is newer of the part is newer of the other, too; that is for who asks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mailproc.store.connection import Connection, Row, listed_parameters
from mailproc.store.figures import HEAD

_COLUMNS = ", ".join(f"ticket.{name}" for name in HEAD)
_RESTING = "('answered', 'snoozed', 'problem')"  # open, and nobody is to do anything


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to which event and message tickets were looked at; ``calendars`` is a digest of all desks'."""

    event: int
    message: int
    calendars: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A ticket's row.  ``first`` and ``last`` are the earliest and the latest of its moments."""

    ticket: int
    calendar: str
    first: float
    last: float
    content: str


class Summaries:
    """Statements on ``ticket_summary`` and ``summary_mark``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def mark(self) -> Mark | None:
        """None before the first ticket was looked at."""
        row = self._connection.one("SELECT event, message, calendars FROM summary_mark")
        return Mark(*row) if row else None

    def newest_message(self) -> int:
        row = self._connection.one("SELECT max(id) FROM message")
        return (row[0] or 0) if row else 0

    # For reports

    def changed(self, mark: Mark, most: int) -> set[int] | None:
        """The tickets of all that is newer; None where that is more than ``most`` events or messages."""
        found: set[int] = set()
        for table, after in (("event", mark.event), ("message", mark.message)):
            rows = self._newer(table, after, most + 1)
            if len(rows) > most:
                return None
            found.update(ticket for _, ticket in rows)
        return found

    def tickets(self, desks: Collection[str], start: float, end: float) -> tuple[list[int], list[int]]:
        """Those that something happened to in a period, and those at rest that are open now.

        Those first whose last moment is before the end of it, in their order; then the others.
        """
        span = {"start": start, "end": end}
        within = self._connection.all(
            "SELECT ticket FROM ticket_summary WHERE last >= :start AND last < :end", span
        )
        beyond = self._connection.all(
            "SELECT ticket FROM ticket_summary WHERE last >= :end AND first < :end", {"end": end}
        )
        named, of_desks = listed_parameters("desk", desks)
        within += self._connection.all(
            f"""
            SELECT ticket.id
            FROM ticket CROSS JOIN ticket_summary  -- in this order: few tickets are open
            WHERE ticket_summary.ticket = ticket.id
              AND ticket.desk IN ({named}) AND ticket.state IN {_RESTING} AND ticket_summary.last < :start
            """,
            {"start": start, **of_desks},
        )
        return sorted(row[0] for row in within), [row[0] for row in beyond]

    def told(self, tickets: Sequence[int]) -> list[Row]:
        """Of each the columns of ``figures.Head``, then calendar, first moment and content."""
        rows = ", ".join(map(str, tickets))
        return self._connection.all(
            f"""
            SELECT {_COLUMNS}, ticket_summary.calendar, ticket_summary.first, ticket_summary.content
            FROM ticket JOIN ticket_summary ON ticket_summary.ticket = ticket.id WHERE ticket.id IN ({rows})
            """
        )

    def at_work(self, desks: Collection[str]) -> list[int]:
        """The tickets that somebody is to do something about, which have no rows."""
        named, of_desks = listed_parameters("desk", desks)
        rows = self._connection.all(
            f"SELECT id FROM ticket WHERE desk IN ({named}) AND state IN ('new', 'claimed')", of_desks
        )
        return [row[0] for row in rows]

    # For who keeps them

    def next(self, mark: Mark, limit: int) -> tuple[set[int], Mark]:
        """The tickets of so many events and messages after the mark, and up to where these go.

        A ticket with events that are newer still is left out: its turn comes with them.
        """
        events = self._newer("event", mark.event, limit)
        messages = self._newer("message", mark.message, limit)
        after = Mark(
            events[-1][0] if events else mark.event,
            messages[-1][0] if messages else mark.message,
            mark.calendars,
        )
        touched = {ticket for _, ticket in (*events, *messages)}
        return touched - self._touched_after(after.event, touched), after

    def _touched_after(self, event: int, tickets: Collection[int]) -> set[int]:
        if not tickets:
            return set()
        rows = self._connection.all(
            f"""
            SELECT DISTINCT ticket FROM event
            WHERE ticket IN ({", ".join(map(str, tickets))}) AND id > :event
            """,
            {"event": event},
        )
        return {row[0] for row in rows}

    def put(self, before: Mark | None, after: Mark, kept: Sequence[Kept], gone: Collection[int]) -> bool:
        """Replace rows, and remove those ``gone``; False, and nothing done, where ``before`` is over."""
        if self.mark() != before:
            return False
        self._connection.run(
            """
            INSERT INTO summary_mark (id, event, message, calendars) VALUES (1, :event, :message, :calendars)
            ON CONFLICT (id) DO UPDATE
            SET event = excluded.event, message = excluded.message, calendars = excluded.calendars
            """,
            {"event": after.event, "message": after.message, "calendars": after.calendars},
        )
        self._connection.run_many(
            "DELETE FROM ticket_summary WHERE ticket = :ticket", [{"ticket": ticket} for ticket in gone]
        )
        self._connection.run_many(
            """
            INSERT INTO ticket_summary (ticket, calendar, first, last, content)
            VALUES (:ticket, :calendar, :first, :last, :content)
            ON CONFLICT (ticket) DO UPDATE
            SET calendar = excluded.calendar, first = excluded.first, last = excluded.last,
                content = excluded.content
            """,
            list(map(_parameters, kept)),
        )
        return True

    def _newer(self, table: str, after: int, limit: int) -> list[tuple[int, int]]:
        rows = self._connection.all(
            f"SELECT id, ticket FROM {table} WHERE id > :after ORDER BY id LIMIT :limit",
            {"after": after, "limit": limit},
        )
        return [(row[0], row[1]) for row in rows]


def _parameters(kept: Kept) -> Mapping[str, object]:
    return {
        "ticket": kept.ticket,
        "calendar": kept.calendar,
        "first": kept.first,
        "last": kept.last,
        "content": kept.content,
    }
