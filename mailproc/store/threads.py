"""Where a mail may belong: Message-IDs, participants, subjects, numbers given, and MACs that failed.

A plain new mail costs one read here.  What one mail can make us look at is bounded: MAX_SIGHTINGS rows by
its ids, the newest MAX_SAME_SUBJECT tickets with its subject.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mailproc.model.follow_up import Candidate, IdKind, Role
from mailproc.model.ticket import State, Ticket
from mailproc.store.connection import Connection, Row, listed_parameters

MAX_SIGHTINGS = 200
MAX_SAME_SUBJECT = 500
MAX_SUBJECTS = 5

_CANDIDATE = (
    "ticket.id, ticket.number, ticket.desk, ticket.subject_key, ticket.state, ticket.closed,"
    " ticket.merged_into"
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A Message-ID stands in the thread index for a ticket."""

    message_id: str
    kind: IdKind
    ticket: Candidate


@dataclass(frozen=True, slots=True)
class Recent:
    """A ticket with the wanted subject; ``apart`` is how far its nearest mail is by Date, in seconds."""

    ticket: Candidate
    apart: float | None


def _candidate(row: Row) -> Candidate:
    number, number_text, desk, subject_key, state, closed, merged_into = row
    return Candidate(number, number_text, desk, subject_key, State(state), closed, merged_into)


class Threads:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sightings(self, desk: str, message_ids: Collection[str]) -> list[Sighting]:
        """Where any of these ids stands, in tickets that are or were at this desk.

        What we sent or received comes before what was only mentioned.
        """
        if not message_ids:
            return []
        ids, parameters = listed_parameters("id", message_ids)
        rows = self._connection.all(
            f"""
            SELECT seen.message_id, seen.kind, {_CANDIDATE}
            FROM thread_id AS seen
            JOIN ticket ON ticket.id = seen.ticket
            WHERE seen.message_id IN ({ids}) AND (seen.desk = :desk OR ticket.desk = :desk)
            ORDER BY CASE seen.kind WHEN 'mentioned' THEN 1 ELSE 0 END, seen.at DESC, ticket.id DESC
            LIMIT {MAX_SIGHTINGS}
            """,
            {"desk": desk, **parameters},
        )
        return [Sighting(row[0], IdKind(row[1]), _candidate(row[2:])) for row in rows]

    def by_numbers(self, numbers: Collection[str]) -> list[Candidate]:
        """The tickets with these numbers, of any desk."""
        if not numbers:
            return []
        listed, parameters = listed_parameters("number", numbers)
        rows = self._connection.all(f"SELECT {_CANDIDATE} FROM ticket WHERE number IN ({listed})", parameters)
        return [_candidate(row) for row in rows]

    def by_ids(self, tickets: Collection[int]) -> list[Candidate]:
        if not tickets:
            return []
        listed, parameters = listed_parameters("id", tickets)
        rows = self._connection.all(f"SELECT {_CANDIDATE} FROM ticket WHERE id IN ({listed})", parameters)
        return [_candidate(row) for row in rows]

    def written_to(self, desk: str, tickets: Collection[int]) -> set[int]:
        """Those of the tickets that hold a mail which came to this desk."""
        if not tickets:
            return set()
        listed, parameters = listed_parameters("ticket", tickets)
        rows = self._connection.all(
            f"""
            SELECT DISTINCT message.ticket FROM message JOIN delivery ON delivery.id = message.delivery
            WHERE message.ticket IN ({listed}) AND delivery.desk = :desk
            """,
            {"desk": desk, **parameters},
        )
        return {ticket for (ticket,) in rows}

    def same_subject(
        self, desk: str, subject_keys: Collection[str], address: str, *, since: float, date: float | None
    ) -> list[Recent]:
        """Tickets about one of these subjects where somebody takes part, changed since then, newest first."""
        if not subject_keys:
            return []
        keys, parameters = listed_parameters("key", subject_keys)
        rows = self._connection.all(
            f"""
            SELECT
                (SELECT min(abs(message.date - :date)) FROM message WHERE message.ticket = ticket.id),
                {_CANDIDATE}
            FROM (
                SELECT * FROM ticket
                WHERE desk = :desk AND subject_key IN ({keys}) AND updated >= :since
                ORDER BY updated DESC LIMIT {MAX_SAME_SUBJECT}
            ) AS ticket
            JOIN participant ON participant.ticket = ticket.id AND participant.address = :address
            ORDER BY ticket.updated DESC, ticket.id DESC
            LIMIT {MAX_SUBJECTS}
            """,
            {"desk": desk, "address": address, "since": since, "date": date, **parameters},
        )
        return [Recent(_candidate(row[1:]), row[0]) for row in rows]

    def roles(self, tickets: Collection[int], addresses: Collection[str]) -> Mapping[tuple[int, str], Role]:
        """Which of these addresses take part in which of these tickets, and as what."""
        if not tickets or not addresses:
            return {}
        listed_tickets, ticket_parameters = listed_parameters("ticket", tickets)
        listed_addresses, address_parameters = listed_parameters("address", addresses)
        rows = self._connection.all(
            f"""
            SELECT ticket, address, role FROM participant
            WHERE ticket IN ({listed_tickets}) AND address IN ({listed_addresses})
            """,
            {**ticket_parameters, **address_parameters},
        )
        return {(ticket, address): Role(role) for ticket, address, role in rows}

    def participants(self, ticket: int) -> list[tuple[str, Role]]:
        """Who takes part, in the order in which they came."""
        rows = self._connection.all(
            "SELECT address, role FROM participant WHERE ticket = :ticket ORDER BY since, address",
            {"ticket": ticket},
        )
        return [(address, Role(role)) for address, role in rows]

    def add_ids(self, desk: str, ticket: int, ids: Iterable[tuple[str, IdKind]], *, at: float) -> None:
        self._connection.run_many(
            """
            INSERT INTO thread_id (desk, message_id, ticket, kind, at)
            VALUES (:desk, :message_id, :ticket, :kind, :at)
            ON CONFLICT (desk, message_id, ticket, kind) DO NOTHING
            """,
            [
                {"desk": desk, "message_id": message_id, "ticket": ticket, "kind": kind.value, "at": at}
                for message_id, kind in ids
            ],
        )

    def add_participants(
        self, desk: str, ticket: int, people: Iterable[tuple[str, Role]], *, at: float
    ) -> None:
        """Add people; a newcomer becomes a participant when someone who is one writes to him."""
        self._connection.run_many(
            """
            INSERT INTO participant (ticket, address, desk, role, since)
            VALUES (:ticket, :address, :desk, :role, :at)
            ON CONFLICT (ticket, address) DO UPDATE SET role = excluded.role
            WHERE participant.role = 'new' AND excluded.role <> 'new'
            """,
            [
                {"ticket": ticket, "address": address, "desk": desk, "role": role.value, "at": at}
                for address, role in people
            ],
        )

    def move(self, message_ids: Collection[str], source: Ticket, target: Ticket) -> None:
        """Let these ids stand for another ticket from now on; who took part in the one takes part in both."""
        ids, parameters = listed_parameters("id", message_ids)
        tickets = {"source": source.id, "target": target.id}
        if message_ids:
            self._connection.run(
                f"""
                UPDATE thread_id SET ticket = :target
                WHERE ticket = :source AND kind <> 'mentioned' AND message_id IN ({ids})
                """,
                {**tickets, **parameters},
            )
        self._connection.run(
            """
            INSERT INTO participant (ticket, address, desk, role, since)
            SELECT :target, address, desk, role, since FROM participant WHERE ticket = :source
            ON CONFLICT (ticket, address) DO NOTHING
            """,
            tickets,
        )

    def hold_sequence(self, desk: str, period: str) -> int:
        """How far a count has come, 0 at first; until this transaction ends nobody else counts on."""
        row = self._connection.one(
            """
            INSERT INTO sequence (desk, period, last) VALUES (:desk, :period, 0)
            ON CONFLICT (desk, period) DO UPDATE SET last = sequence.last
            RETURNING last
            """,
            {"desk": desk, "period": period},
        )
        assert row is not None
        last: int = row[0]
        return last

    def count_to(self, desk: str, period: str, last: int) -> None:
        """Set how far a count has come that this transaction holds."""
        self._connection.do(
            "UPDATE sequence SET last = :last WHERE desk = :desk AND period = :period",
            {"desk": desk, "period": period, "last": last},
        )

    def add_mac_failures(self, desk: str, sender: str, count: int, *, at: float) -> None:
        failure = {"desk": desk, "sender": sender, "at": at}
        self._connection.run_many(
            "INSERT INTO mac_failure (desk, sender, at) VALUES (:desk, :sender, :at)", [failure] * count
        )

    def mac_failures(self, since: float) -> Iterator[tuple[str, str, int]]:
        """(desk, sender, how many) since then, the worst first."""
        rows = self._connection.all(
            """
            SELECT desk, sender, count(*) FROM mac_failure WHERE at >= :since
            GROUP BY desk, sender ORDER BY count(*) DESC, desk, sender
            """,
            {"since": since},
        )
        return ((desk, sender, count) for desk, sender, count in rows)
