"""A ticket's events, tags, notes and links."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mailproc.model.ticket import Event, Ticket
from mailproc.store.connection import Connection
from mailproc.store.folders import SHOWN_EVENTS, show_again


class History:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_event(self, ticket: Ticket, what: str, who: str, detail: str, at: float) -> None:
        """Every change of a ticket leaves an event; refusals too.  Some are shown in the folder."""
        self._connection.run(
            """
            INSERT INTO event (ticket, desk, at, what, who, detail)
            VALUES (:ticket, :desk, :at, :what, :who, :detail)
            """,
            {
                "ticket": ticket.id,
                "desk": ticket.desk,
                "at": at,
                "what": what,
                "who": who,
                "detail": detail,
            },
        )
        if what in SHOWN_EVENTS:
            show_again(self._connection, ticket.id, ticket.desk)

    def events(self, ticket: int) -> list[Event]:
        rows = self._connection.all(
            "SELECT at, what, who, detail FROM event WHERE ticket = :id ORDER BY id", {"id": ticket}
        )
        return [Event(*row) for row in rows]

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
