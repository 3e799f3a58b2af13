"""What reports and digests count: tickets with their messages and events, many at a time.

Only the columns that are counted are read, and of the events only those that say something; each ticket's
come in the order in which they were written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mailproc.model.figures import Named
from mailproc.store.connection import NO_PARAMETERS, Connection, Row, listed_parameters
from mailproc.store.history import TOLD_KINDS

AT_ONCE = 500  # tickets named in one statement


@dataclass(slots=True)
class Together:
    """What clocks of a ticket count that others were merged into, in the order in which it was written.

    ``opened`` is when each of the tickets was, by row.
    """

    messages: list[Row]
    events: list[Row]
    opened: dict[int, float]


class Head(NamedTuple):
    """A ticket as it is now.  Times are seconds since 1970 in UTC."""

    id: int
    desk: str
    state: str
    owner: str
    customer: str
    opened: float
    topic: str
    language: str
    merged_into: int | None

    @property
    def is_merged(self) -> bool:
        return self.merged_into is not None and self.state == "closed"


@dataclass(slots=True)
class Case:
    """A ticket with what happened to it.  Times are seconds since 1970 in UTC.

    ``messages``: (ticket, at, direction, automatic, agent, message_id).
    ``events``: (ticket, at, what, who, detail, state).
    """

    head: Head
    messages: Sequence[Row] = ()
    events: Sequence[Row] = ()
    family: Together | None = None


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


HEAD = Head._fields
_MESSAGES = "SELECT ticket, at, direction, automatic, agent, message_id FROM message"
_EVENTS = "SELECT ticket, at, what, who, detail, state FROM event"
_OF_PARTS = ("answered", "taken_back")  # events of a merged ticket that count for the other one
_IS_OPEN = "state IN ('new', 'claimed', 'answered', 'snoozed', 'problem')"


class Figures:
    """Statements for reports on ``ticket``, ``message``, ``event`` and ``tag``, and on ``timetable``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tickets_of(
        self, desks: Collection[str], start: float, end: float, parts: Mapping[int, int]
    ) -> list[int]:
        """The tickets that something happened to in a period, and those that were open at its end.

        Open then were those that still are, or that were changed since.  ``parts`` is what ``parts`` told.
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
              AND (updated >= :end OR closed >= :end OR {_IS_OPEN})
            """,
            {"end": end, **of_desks},
        )
        found.update(row[0] for row in rows)
        found.update(root for part, root in parts.items() if part in found)
        return sorted(found)

    def cases(
        self,
        tickets: Sequence[int],
        desks: Collection[str],
        events: Collection[str],
        parts: Mapping[int, int],
    ) -> Iterator[Case]:
        """Those of these tickets that belong to the desks, with the events of these kinds or with a state."""
        for at in range(0, len(tickets), AT_ONCE):
            families = self._families(parts, set(tickets[at : at + AT_ONCE])) if parts else {}
            # Written out, as they are our own numbers: ten thousand parameters take SQLite seconds to bind.
            rows = ", ".join(map(str, tickets[at : at + AT_ONCE]))
            for case in self._cases(rows, frozenset(desks), events):
                case.family = families.get(case.head.id)
                yield case

    def parts(self) -> dict[int, int]:
        """Of each ticket that was merged into another: the one that is no part of a further one."""
        rows = self._connection.all("SELECT id, merged_into FROM ticket WHERE merged_into IS NOT NULL")
        into: dict[int, int] = {row[0]: row[1] for row in rows}
        roots: dict[int, int] = {}
        for part in into:
            root, seen = part, {part}
            while (further := into.get(root)) is not None and further not in seen:
                root = further
                seen.add(root)
            roots[part] = root
        return roots

    def _families(self, parts: Mapping[int, int], wanted: Collection[int]) -> dict[int, Together]:
        """Of those that others were merged into: as ``Targets.history`` tells it."""
        root_of = {part: root for part, root in parts.items() if root in wanted and part != root}
        root_of |= {root: root for root in root_of.values()}
        families = {root: Together([], [], {}) for root in root_of.values()}
        rows = ", ".join(map(str, root_of))
        for row in self._connection.all(f"SELECT id, opened FROM ticket WHERE id IN ({rows})"):
            families[root_of[row[0]]].opened[row[0]] = row[1]
        for row in self._connection.all(f"{_MESSAGES} WHERE ticket IN ({rows}) ORDER BY id"):
            families[root_of[row[0]]].messages.append(row)
        for row in self._connection.all(
            f"""
            {_EVENTS} WHERE ticket IN ({rows}) AND (state IS NOT NULL OR what IN ({TOLD_KINDS})) ORDER BY id
            """
        ):
            root = root_of[row[0]]
            if row[0] == root:
                families[root].events.append(row)
            elif row[2] in _OF_PARTS:
                families[root].events.append((*row[:5], None))
        return families

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

    def _cases(self, rows: str, desks: frozenset[str], events: Collection[str]) -> Iterator[Case]:
        kinds, of_kinds = listed_parameters("kind", events)
        messages = self._by_ticket(f"{_MESSAGES} WHERE ticket IN ({rows}) ORDER BY ticket, id")
        happened = self._by_ticket(
            f"""
            {_EVENTS} WHERE ticket IN ({rows}) AND (state IS NOT NULL OR what IN ({kinds}))
            ORDER BY ticket, id
            """,
            of_kinds,
        )
        tickets = self._connection.all(
            f"SELECT {', '.join(HEAD)} FROM ticket WHERE id IN ({rows}) ORDER BY id"
        )
        for row in tickets:
            if row[1] in desks:
                which = row[0]
                yield Case(Head(*row), messages.get(which, ()), happened.get(which, ()))

    def tags(self, tickets: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Of those that have any."""
        tags: dict[int, tuple[str, ...]] = {}
        for at in range(0, len(tickets), AT_ONCE):
            rows = ", ".join(map(str, tickets[at : at + AT_ONCE]))
            sql = f"SELECT ticket, name FROM tag WHERE ticket IN ({rows}) ORDER BY ticket"
            tags |= {which: tuple(name for _, name in found) for which, found in self._by_ticket(sql).items()}
        return tags

    def _by_ticket(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> dict[int, list[Row]]:
        rows = self._connection.all(sql, parameters)
        found: defaultdict[int, list[Row]] = defaultdict(list)
        for row in rows:
            found[row[0]].append(row)
        return found
