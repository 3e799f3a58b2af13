"""Tickets' targets: what their clocks are made of, when each is due, and which steps were taken.

Nothing is written here when a ticket changes: every change leaves an event, and who keeps the time looks at
the tickets of the events since it looked last.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mailproc.model.happening import Letter
from mailproc.model.target import Kind
from mailproc.model.ticket import Direction, Event
from mailproc.store.connection import Connection, Row, listed_parameters
from mailproc.store.history import TOLD_KINDS, read_event

_FAMILY = """
    WITH RECURSIVE family (id) AS (
        SELECT id FROM ticket WHERE id = :ticket
        UNION
        SELECT merged.id FROM ticket AS merged JOIN family ON merged.merged_into = family.id
    )
"""

Taken = tuple[str, float, str]  # kind and beginning of the clock, key of the step


@dataclass(frozen=True, slots=True)
class Kept:
    """A ticket's history as far as clocks ask.  ``known`` is since when we have it, where it was imported."""

    events: tuple[Event, ...]
    letters: tuple[Letter, ...]
    known: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A desk's rules as they were looked at last, and since when it has any."""

    rules: str
    since: float


@dataclass(frozen=True, slots=True)
class Due:
    """Of the clock that is due first; ``next`` is when the ticket is to be looked at again."""

    next: float | None = None
    kind: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody is to be told of a ticket, and is not yet: ``moment`` is when the clock is or was due.

    ``key`` is that of the step, for this ticket and clock.
    """

    key: str
    agent: str
    desk: str
    ticket: int
    kind: Kind
    moment: float | None
    template: str
    id: int = 0


def _call(row: Row) -> Call:
    key, agent, desk, ticket, kind, moment, template, call = row
    return Call(key, agent, desk, ticket, Kind(kind), moment, template, call)


class Targets:
    """Statements on ``ticket_due``, ``target_mark``, ``escalation`` and ``escalation_call``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # What clocks are made of

    def history(self, ticket: int) -> Kept:
        """The events and letters of a ticket; also the letters of those that were merged into it."""
        asked = {"ticket": ticket}
        events = self._connection.all(
            f"""
            {_FAMILY}
            SELECT at, what, who, detail, CASE WHEN ticket = :ticket THEN state END
            FROM event
            WHERE ticket IN (SELECT id FROM family)
              AND (what IN ('answered', 'taken_back')
                   OR (ticket = :ticket AND (state IS NOT NULL OR what IN ({TOLD_KINDS}))))
            ORDER BY id
            """,
            asked,
        )
        letters = self._connection.all(
            f"""
            {_FAMILY}
            SELECT message.at, message.direction, message.automatic, message.agent, message.message_id,
                CASE WHEN ticket.id <> :ticket THEN ticket.opened END
            FROM message JOIN ticket ON ticket.id = message.ticket
            WHERE message.ticket IN (SELECT id FROM family) ORDER BY message.id
            """,
            asked,
        )
        return Kept(
            tuple(map(read_event, events)),
            tuple(Letter(row[0], Direction(row[1]), *row[2:]) for row in letters),
            self._known(ticket),
        )

    def _known(self, ticket: int) -> float | None:
        row = self._connection.one(
            """
            SELECT delivery.history,
                (SELECT at FROM event WHERE event.ticket = :ticket ORDER BY event.id LIMIT 1)
            FROM message JOIN delivery ON delivery.id = message.delivery
            WHERE message.ticket = :ticket ORDER BY message.id LIMIT 1
            """,
            {"ticket": ticket},
        )
        return row[1] if row and row[0] else None

    # Which tickets to look at

    def newest_event(self) -> int:
        row = self._connection.one("SELECT max(id) FROM event")
        return (row[0] or 0) if row else 0

    def seen(self) -> int:
        """The event up to which tickets were looked at."""
        row = self._connection.one("SELECT event FROM target_mark WHERE desk = ''")
        return row[0] if row else 0

    def set_seen(self, event: int) -> None:
        self._connection.run(
            """
            INSERT INTO target_mark (desk, event, rules, since) VALUES ('', :event, '', 0)
            ON CONFLICT (desk) DO UPDATE SET event = excluded.event
            """,
            {"event": event},
        )

    def changed(self, after: int, until: int) -> list[int]:
        """The tickets of the events after one, up to another."""
        rows = self._connection.all(
            "SELECT DISTINCT ticket FROM event WHERE id > :after AND id <= :until ORDER BY ticket",
            {"after": after, "until": until},
        )
        return [row[0] for row in rows]

    def marks(self) -> dict[str, Mark]:
        """By desk."""
        rows = self._connection.all("SELECT desk, rules, since FROM target_mark WHERE desk <> ''")
        return {desk: Mark(rules, since) for desk, rules, since in rows}

    def set_mark(self, desk: str, mark: Mark) -> None:
        self._connection.run(
            """
            INSERT INTO target_mark (desk, event, rules, since) VALUES (:desk, 0, :rules, :since)
            ON CONFLICT (desk) DO UPDATE SET rules = excluded.rules, since = excluded.since
            """,
            {"desk": desk, "rules": mark.rules, "since": mark.since},
        )

    def look_at_all(self, desk: str, now: float) -> None:
        """Every open ticket of a desk is to be looked at: its rules are new."""
        self._connection.run(
            """
            INSERT INTO ticket_due (ticket, desk, next)
            SELECT id, desk, :now FROM ticket
            WHERE desk = :desk AND state IN ('new', 'claimed', 'answered', 'snoozed')
            ON CONFLICT (ticket) DO UPDATE SET next = excluded.next
            """,
            {"desk": desk, "now": now},
        )

    def forget_desk(self, desk: str) -> None:
        """It has no targets any more."""
        self._connection.run("DELETE FROM ticket_due WHERE desk = :desk", {"desk": desk})
        self._connection.run("DELETE FROM target_mark WHERE desk = :desk", {"desk": desk})

    def due(self, now: float, limit: int) -> list[int]:
        rows = self._connection.all(
            "SELECT ticket FROM ticket_due WHERE next <= :now ORDER BY next LIMIT :limit",
            {"now": now, "limit": limit},
        )
        return [row[0] for row in rows]

    def put(self, ticket: int, desk: str, due: Due) -> None:
        self._connection.run(
            """
            INSERT INTO ticket_due (ticket, desk, next, kind, due) VALUES (:ticket, :desk, :next, :kind, :due)
            ON CONFLICT (ticket) DO UPDATE
            SET desk = excluded.desk, next = excluded.next, kind = excluded.kind, due = excluded.due
            """,
            {"ticket": ticket, "desk": desk, "next": due.next, "kind": due.kind, "due": due.at},
        )

    def remove(self, ticket: int) -> None:
        self._connection.run("DELETE FROM ticket_due WHERE ticket = :ticket", {"ticket": ticket})

    def dues(self, tickets: Collection[int]) -> dict[int, Due]:
        """What was found when each was looked at last; tickets without are left out."""
        found: dict[int, Due] = {}
        wanted = sorted(tickets)
        for start in range(0, len(wanted), 500):
            names, parameters = listed_parameters("t", wanted[start : start + 500])
            rows = self._connection.all(
                f"SELECT ticket, next, kind, due FROM ticket_due WHERE ticket IN ({names})", parameters
            )
            found |= {row[0]: Due(*row[1:]) for row in rows}
        return found

    # Steps

    def taken(self, ticket: int) -> set[Taken]:
        rows = self._connection.all(
            "SELECT kind, started, step FROM escalation WHERE ticket = :ticket", {"ticket": ticket}
        )
        return {(kind, started, step) for kind, started, step in rows}

    def take(self, ticket: int, step: Taken, now: float) -> bool:
        """Take a step; False where it was taken before."""
        return bool(
            self._connection.run(
                """
                INSERT INTO escalation (ticket, kind, started, step, at)
                VALUES (:ticket, :kind, :started, :step, :at)
                ON CONFLICT (ticket, kind, started, step) DO NOTHING
                """,
                {"ticket": ticket, "kind": step[0], "started": step[1], "step": step[2], "at": now},
            )
        )

    # Who is to be told

    def call(self, call: Call) -> None:
        """Keep a call until its mail is written; its ``id`` is not looked at."""
        self._connection.run(
            """
            INSERT INTO escalation_call (key, agent, desk, ticket, kind, moment, template)
            VALUES (:key, :agent, :desk, :ticket, :kind, :moment, :template)
            """,
            {
                "key": call.key,
                "agent": call.agent,
                "desk": call.desk,
                "ticket": call.ticket,
                "kind": call.kind.value,
                "moment": call.moment,
                "template": call.template,
            },
        )

    def calls(self) -> list[Call]:
        rows = self._connection.all(
            """
            SELECT key, agent, desk, ticket, kind, moment, template, id FROM escalation_call ORDER BY id
            """
        )
        return list(map(_call, rows))

    def called(self, until: int) -> None:
        """All calls up to this one were made."""
        self._connection.run("DELETE FROM escalation_call WHERE id <= :until", {"until": until})
