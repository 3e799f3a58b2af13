"""What reports and digests count: tickets with their messages and events, many at a time.

Only the columns that are counted are read, and of the events only those that say something; each ticket's
come in the order in which they were written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from mailproc.model.figures import Named
from mailproc.store.connection import NO_PARAMETERS, Connection, Row, listed_parameters

AT_ONCE = 10_000  # tickets named in one statement


@dataclass(slots=True)
class Case:
    """A ticket with what happened to it.  Times are seconds since 1970 in UTC.

    ``messages``: (ticket, at, direction, automatic, agent, message_id).
    ``events``: (ticket, at, what, who, detail, state).
    """

    id: int
    desk: str
    state: str
    owner: str
    customer: str
    opened: float
    topic: str
    language: str
    snoozed: float | None
    is_merged: bool
    messages: Sequence[Row] = ()
    events: Sequence[Row] = ()
    tags: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True)
class Due:
    """An open ticket with the moment at which an answer or its solution is due."""

    id: int
    number: str
    desk: str
    subject: str
    state: str
    owner: str
    kind: str
    due: float


@dataclass(frozen=True, slots=True)
class AtHand:
    """A ticket as a digest tells of it."""

    id: int
    number: str
    desk: str
    subject: str
    state: str
    owner: str
    opened: float
    snoozed: float | None


_TICKET = (
    "id, desk, state, owner, customer, opened, topic, language, snoozed,"
    " merged_into IS NOT NULL AND state = 'closed'"
)
_IS_OPEN = "state IN ('new', 'claimed', 'answered', 'snoozed', 'problem')"


class Figures:
    """Statements for reports on ``ticket``, ``message``, ``event`` and ``tag``, and on ``timetable``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tickets_of(self, desks: Collection[str], start: float, end: float) -> list[int]:
        """The tickets that something happened to in a period, and those that were open at its end.

        Open then were those that still are, or that something happened to since.
        """
        named, of_desks = listed_parameters("desk", desks)
        span = {"start": start, "end": end}
        found: set[int] = set()
        for table in ("event", "message"):
            sql = f"SELECT DISTINCT ticket FROM {table} WHERE at >= :start AND at < :end"
            found.update(row[0] for row in self._connection.all(sql, span))
        rows = self._connection.all(
            f"""
            SELECT id FROM ticket
            WHERE desk IN ({named}) AND opened < :end
              AND ({_IS_OPEN} OR id IN (SELECT ticket FROM event WHERE at >= :end))
            """,
            {"end": end, **of_desks},
        )
        found.update(row[0] for row in rows)
        return sorted(found)

    def cases(
        self, tickets: Sequence[int], desks: Collection[str], events: Collection[str], *, with_tags: bool
    ) -> Iterator[Case]:
        """Those of these tickets that belong to the desks, with the events of these kinds or with a state."""
        for at in range(0, len(tickets), AT_ONCE):
            # Written out, as they are our own numbers: ten thousand parameters take SQLite seconds to bind.
            rows = ", ".join(map(str, tickets[at : at + AT_ONCE]))
            yield from self._cases(rows, frozenset(desks), events, with_tags=with_tags)

    def happened(
        self, desks: Collection[str], start: float, end: float, events: Collection[str]
    ) -> list[tuple[int, str, str, str]]:
        """Events of these kinds in a period: (ticket, what, who, detail)."""
        named, of_desks = listed_parameters("desk", desks)
        kinds, of_kinds = listed_parameters("kind", events)
        rows = self._connection.all(
            f"""
            SELECT ticket, what, who, detail FROM event
            WHERE at >= :start AND at < :end AND what IN ({kinds}) AND desk IN ({named}) ORDER BY id
            """,
            {"start": start, "end": end, **of_desks, **of_kinds},
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def due(self, desks: Collection[str]) -> list[Due]:
        """The open tickets that something is due of, the most urgent first."""
        named, of_desks = listed_parameters("desk", desks)
        rows = self._connection.all(
            f"""
            SELECT ticket.id, ticket.number, ticket.desk, ticket.subject, ticket.state, ticket.owner,
                ticket_due.kind, ticket_due.due
            FROM ticket_due
            JOIN ticket ON ticket.id = ticket_due.ticket
            WHERE ticket_due.due IS NOT NULL AND ticket.desk IN ({named}) AND ticket.{_IS_OPEN}
            ORDER BY ticket_due.due, ticket.id
            """,
            of_desks,
        )
        return [Due(*row) for row in rows]

    def names(self, tickets: Collection[int]) -> dict[int, Named]:
        """Numbers and subjects."""
        wanted, found = list(tickets), dict[int, Named]()
        for at in range(0, len(wanted), AT_ONCE):
            rows = ", ".join(map(str, wanted[at : at + AT_ONCE]))
            sql = f"SELECT id, number, subject FROM ticket WHERE id IN ({rows})"
            for which, number, subject in self._connection.all(sql):
                found[which] = Named(number, subject)
        return found

    def timetable(self) -> dict[str, float]:
        """What is done regularly, and the last moment for which it was done."""
        rows = self._connection.all("SELECT name, moment FROM timetable")
        return {row[0]: row[1] for row in rows}

    def do_until(self, name: str, moment: float, before: float | None) -> bool:
        """Write down that it is done for a moment; False where somebody did so since ``before`` was read."""
        row = self._connection.one(
            """
            INSERT INTO timetable (name, moment) VALUES (:name, :moment)
            ON CONFLICT (name) DO UPDATE SET moment = excluded.moment
            WHERE timetable.moment = :before
            RETURNING name
            """,
            {"name": name, "moment": moment, "before": before},
        )
        return row is not None

    def at_hand(self, desks: Collection[str]) -> list[AtHand]:
        """The tickets that somebody is to do something about, or has put aside, the oldest first."""
        named, of_desks = listed_parameters("desk", desks)
        rows = self._connection.all(
            f"""
            SELECT id, number, desk, subject, state, owner, opened, snoozed FROM ticket
            WHERE desk IN ({named}) AND state IN ('new', 'claimed', 'snoozed') ORDER BY opened, id
            """,
            of_desks,
        )
        return [AtHand(*row) for row in rows]

    def _cases(
        self, rows: str, desks: frozenset[str], events: Collection[str], *, with_tags: bool
    ) -> Iterator[Case]:
        kinds, of_kinds = listed_parameters("kind", events)
        messages = self._by_ticket(
            f"""
            SELECT ticket, at, direction, automatic, agent, message_id
            FROM message WHERE ticket IN ({rows}) ORDER BY ticket, id
            """
        )
        happened = self._by_ticket(
            f"""
            SELECT ticket, at, what, who, detail, state
            FROM event WHERE ticket IN ({rows}) AND (state IS NOT NULL OR what IN ({kinds}))
            ORDER BY ticket, id
            """,
            of_kinds,
        )
        tags = f"SELECT ticket, name FROM tag WHERE ticket IN ({rows}) ORDER BY ticket"
        tagged = self._by_ticket(tags) if with_tags else {}
        tickets = self._connection.all(f"SELECT {_TICKET} FROM ticket WHERE id IN ({rows}) ORDER BY id")
        for row in tickets:
            if row[1] in desks:
                which = row[0]
                names = tuple(name for _, name in tagged.get(which, ()))
                case = Case(*row)
                case.messages, case.events = messages.get(which, ()), happened.get(which, ())
                case.tags = names
                yield case

    def _by_ticket(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> dict[int, list[Row]]:
        rows = self._connection.all(sql, parameters)
        return {key: list(group) for key, group in groupby(rows, itemgetter(0))}
