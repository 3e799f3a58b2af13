"""A ticket's events, tags, notes and links."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mailproc.model.happening import TOLD
from mailproc.model.ticket import Event, State, Ticket
from mailproc.store.connection import Connection, Row
from mailproc.store.folders import SHOWN_EVENTS, show_again

TOLD_KINDS = ", ".join(f"'{what}'" for what in TOLD)  # for IN (…)


def read_event(row: Row) -> Event:
    """From at, what, who, detail, state."""
    at, what, who, detail, state = row
    return Event(at, what, who, detail, State(state) if state else None)


class History:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_event(
        self, ticket: Ticket, what: str, who: str, detail: str, at: float, state: State | None = None
    ) -> None:
        """Every change of a ticket leaves an event; refusals too.  Some are shown in the folder.

        ``state`` is the one that the ticket is in from now on, where the event tells of a change of it.
        """
        self._connection.do(
            """
            INSERT INTO event (ticket, desk, at, what, who, detail, state)
            VALUES (:ticket, :desk, :at, :what, :who, :detail, :state)
            """,
            {
                "ticket": ticket.id,
                "desk": ticket.desk,
                "at": at,
                "what": what,
                "who": who,
                "detail": detail,
                "state": state.value if state else None,
            },
        )
        if what in SHOWN_EVENTS:
            show_again(self._connection, ticket.id, ticket.desk)

    def events(self, ticket: int) -> list[Event]:
        rows = self._connection.all(
            "SELECT at, what, who, detail, state FROM event WHERE ticket = :id ORDER BY id", {"id": ticket}
        )
        return list(map(read_event, rows))

    def add_tags(self, ticket: Ticket, tags: Collection[str]) -> None:
        if not tags:
            return
        self._connection.run_many(
            """
            INSERT INTO tag (ticket, name, desk) VALUES (:ticket, :name, :desk)
            ON CONFLICT (ticket, name) DO NOTHING
            """,
            [{"ticket": ticket.id, "name": name, "desk": ticket.desk} for name in tags],
        )

    def remove_tags(self, ticket: Ticket, tags: Iterable[str]) -> None:
        self._connection.run_many(
            "DELETE FROM tag WHERE ticket = :ticket AND name = :name",
            [{"ticket": ticket.id, "name": name} for name in tags],
        )

    def tags(self, ticket: int) -> list[str]:
        rows = self._connection.all("SELECT name FROM tag WHERE ticket = :id ORDER BY name", {"id": ticket})
        return [row[0] for row in rows]

    def link(self, ticket: Ticket, other: Ticket, why: str) -> None:
        """Link two tickets, each shown with the other."""
        for one, two in ((ticket, other), (other, ticket)):
            self._connection.run(
                """
                INSERT INTO link (ticket, other, desk, why) VALUES (:ticket, :other, :desk, :why)
                ON CONFLICT (ticket, other) DO UPDATE SET why = :why
                """,
                {"ticket": one.id, "other": two.id, "desk": one.desk, "why": why},
            )

    def unlink(self, ticket: Ticket, other: Ticket) -> None:
        self._connection.run(
            """
            DELETE FROM link
            WHERE (ticket = :ticket AND other = :other) OR (ticket = :other AND other = :ticket)
            """,
            {"ticket": ticket.id, "other": other.id},
        )

    def links(self, ticket: int) -> list[tuple[str, str]]:
        """The numbers of linked tickets, and why."""
        rows = self._connection.all(
            """
            SELECT ticket.number, link.why FROM link JOIN ticket ON ticket.id = link.other
            WHERE link.ticket = :id ORDER BY ticket.id
            """,
            {"id": ticket},
        )
        return [(row[0], row[1]) for row in rows]
