"""Tickets and their messages; a ticket's history, tags and links are in ``history.py``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailproc.model.search import NO_QUERY, Query
from mailproc.model.ticket import Direction, Message, MessageStatus, State, Ticket
from mailproc.store.connection import Connection, Row
from mailproc.store.folders import show_again
from mailproc.store.search import Search

_TICKET = (
    "id, number, desk, subject, subject_key, state, owner, customer, opened, updated, closed, topic,"
    " language, spam, merged_into"
)
_MESSAGE = (
    "id, ticket, desk, sha256, direction, sender, recipients, subject, date, message_id, size, automatic,"
    " agent, status, joined_by, joined_reasons, at"
)


@dataclass(frozen=True, slots=True)
class NewTicket:
    number: str
    desk: str
    subject: str
    subject_key: str
    state: State
    owner: str
    customer: str
    opened: float
    topic: str
    language: str
    spam: float


@dataclass(frozen=True, slots=True)
class NewMessage:
    """``status`` follows the outbox for what we send, and is RECEIVED for what came in."""

    delivery: int | None
    sha256: bytes
    direction: Direction
    sender: str
    recipients: tuple[str, ...]
    subject: str
    date: float | None
    message_id: str
    size: int
    automatic: str
    at: float
    agent: str = ""
    status: MessageStatus = MessageStatus.RECEIVED
    joined_by: str = ""
    joined_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets to list; an empty field asks for nothing.  ``newest`` is how many at most; 0 is all."""

    desk: str = ""
    state: str = ""
    owner: str = ""
    tag: str = ""
    search: Query = NO_QUERY
    newest: int = 0


def _ticket(row: Row) -> Ticket:
    values = list(row)
    values[5] = State(row[5])
    return Ticket(*values)


def _message(row: Row) -> Message:
    values = list(row)
    values[4] = Direction(row[4])
    values[6] = tuple(json.loads(row[6]))
    values[13] = MessageStatus(row[13])
    values[15] = tuple(json.loads(row[15]))
    return Message(*values)


class TicketChanged(Exception):
    """Another transaction changed the ticket in between."""


class Tickets:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, new: NewTicket) -> Ticket:
        ticket = self._connection.insert(
            """
            INSERT INTO ticket (number, desk, subject, subject_key, state, owner, customer, opened, updated,
                                topic, language, spam)
            VALUES (:number, :desk, :subject, :subject_key, :state, :owner, :customer, :opened, :opened,
                    :topic, :language, :spam)
            """,
            {
                "number": new.number,
                "desk": new.desk,
                "subject": new.subject,
                "subject_key": new.subject_key,
                "state": new.state.value,
                "owner": new.owner,
                "customer": new.customer,
                "opened": new.opened,
                "topic": new.topic,
                "language": new.language,
                "spam": new.spam,
            },
        )
        assert ticket is not None
        return Ticket(
            id=ticket,
            number=new.number,
            desk=new.desk,
            subject=new.subject,
            subject_key=new.subject_key,
            state=new.state,
            owner=new.owner,
            customer=new.customer,
            opened=new.opened,
            updated=new.opened,
            closed=None,
            topic=new.topic,
            language=new.language,
            spam=new.spam,
            merged_into=None,
        )

    def get(self, ticket: int) -> Ticket:
        """The ticket with this row id, which must exist."""
        row = self._connection.one(f"SELECT {_TICKET} FROM ticket WHERE id = :id", {"id": ticket})
        if row is None:
            raise KeyError(ticket)
        return _ticket(row)

    def by_number(self, number: str) -> Ticket | None:
        row = self._connection.one(f"SELECT {_TICKET} FROM ticket WHERE number = :number", {"number": number})
        return _ticket(row) if row else None

    def matching(self, wanted: TicketFilter) -> Iterator[Ticket]:
        """Tickets, newest last."""
        conditions, parameters = _conditions(wanted)
        for found in Search(self._connection).conditions(wanted.search):
            conditions.append(found.sql)
            parameters |= found.parameters
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        if wanted.newest:
            where = f"WHERE id IN (SELECT id FROM ticket {where} ORDER BY opened DESC, id DESC LIMIT :newest)"
            parameters["newest"] = wanted.newest
        rows = self._connection.all(f"SELECT {_TICKET} FROM ticket {where} ORDER BY opened, id", parameters)
        return map(_ticket, rows)

    def counts(self) -> dict[State, int]:
        counts = dict.fromkeys(State, 0)
        for state, number in self._connection.all("SELECT state, count(*) FROM ticket GROUP BY state"):
            counts[State(state)] = number
        return counts

    def set_state(self, ticket: Ticket, state: State, owner: str, now: float) -> None:
        """Change a ticket that still is as it was read; raise TicketChanged where another was faster."""
        changed = self._connection.run(
            """
            UPDATE ticket SET state = :state, owner = :owner, updated = :now,
                closed = CASE WHEN :state = 'closed' THEN coalesce(closed, :now) END,
                snoozed = CASE WHEN :state = 'snoozed' THEN snoozed END,
                answered = CASE WHEN :state = 'answered' THEN :now END, warned = NULL
            WHERE id = :id AND state = :old_state AND owner = :old_owner
            """,
            {
                "state": state.value,
                "owner": owner,
                "now": now,
                "id": ticket.id,
                "old_state": ticket.state.value,
                "old_owner": ticket.owner,
            },
        )
        if not changed:
            raise TicketChanged(ticket.number)
        self._show_again(ticket.id, ticket.desk)

    def snooze_until(self, ticket: int, moment: float | None, shelf: str) -> None:
        """None: until its customer writes."""
        self._connection.do(
            "UPDATE ticket SET snoozed = :moment, shelf = :shelf WHERE id = :id",
            {"moment": moment, "shelf": shelf, "id": ticket},
        )

    def snoozed_until(self, now: float, limit: int) -> list[Ticket]:
        """Snoozed tickets whose time has come, the first one first."""
        rows = self._connection.all(
            f"""
            SELECT {_TICKET} FROM ticket
            WHERE state = 'snoozed' AND snoozed <= :now
            ORDER BY snoozed LIMIT :limit
            """,
            {"now": now, "limit": limit},
        )
        return list(map(_ticket, rows))

    def claimed_before(self, desk: str, moment: float, limit: int) -> list[Ticket]:
        """Tickets that somebody holds and nothing happened to since, the oldest first."""
        rows = self._connection.all(
            f"""
            SELECT {_TICKET} FROM ticket
            WHERE desk = :desk AND state = 'claimed' AND updated < :moment
            ORDER BY updated LIMIT :limit
            """,
            {"desk": desk, "moment": moment, "limit": limit},
        )
        return list(map(_ticket, rows))

    def touch(self, ticket: int, now: float) -> None:
        self._connection.do("UPDATE ticket SET updated = :now WHERE id = :id", {"now": now, "id": ticket})

    def describe(self, ticket: int, *, topic: str, language: str, spam: float) -> None:
        """Write what the chain found about a ticket that was opened without it."""
        self._connection.run(
            """
            UPDATE ticket SET topic = :topic, language = :language, spam = :spam
            WHERE id = :id
            """,
            {"topic": topic, "language": language, "spam": spam, "id": ticket},
        )

    def set_merged_into(self, ticket: int, target: int | None, now: float) -> None:
        row = self._connection.one(
            "UPDATE ticket SET merged_into = :target, updated = :now WHERE id = :id RETURNING desk",
            {"target": target, "now": now, "id": ticket},
        )
        if row is not None:
            self._show_again(ticket, row[0])

    def set_desk(self, ticket: int, desk: str) -> None:
        """Move a ticket to another desk, with every row that carries the desk.

        Its Message-IDs stay known where they came: mail that answers them comes there again.
        """
        self._show_again(ticket, self.get(ticket).desk)
        self._connection.run("UPDATE ticket SET desk = :desk WHERE id = :id", {"desk": desk, "id": ticket})
        for table in ("message", "participant", "tag", "event", "link"):
            self._connection.run(
                f"UPDATE {table} SET desk = :desk WHERE ticket = :id", {"desk": desk, "id": ticket}
            )
        self._show_again(ticket, desk)

    def add_message(self, ticket: Ticket, new: NewMessage) -> int:
        message = self._connection.insert(
            """
            INSERT INTO message (ticket, desk, delivery, sha256, direction, sender, recipients, subject, date,
                                 message_id, size, automatic, agent, status, joined_by, joined_reasons, at,
                                 turn)
            VALUES (:ticket, :desk, :delivery, :sha256, :direction, :sender, :recipients, :subject, :date,
                    :message_id, :size, :automatic, :agent, :status, :joined_by, :joined_reasons, :at,
                    (SELECT turn FROM ticket WHERE id = :ticket))
            """,
            {
                "ticket": ticket.id,
                "desk": ticket.desk,
                "delivery": new.delivery,
                "sha256": new.sha256,
                "direction": new.direction.value,
                "sender": new.sender,
                "recipients": json.dumps(new.recipients, ensure_ascii=False),
                "subject": new.subject,
                "date": new.date,
                "message_id": new.message_id,
                "size": new.size,
                "automatic": new.automatic,
                "agent": new.agent,
                "status": new.status.value,
                "joined_by": new.joined_by,
                "joined_reasons": json.dumps(new.joined_reasons, ensure_ascii=False),
                "at": new.at,
            },
        )
        assert message is not None
        self._show_again(ticket.id, ticket.desk)
        return message

    def begin_turn(self, ticket: int, message: int) -> None:
        """A person wrote: what was answered before does not answer this."""
        self._connection.do("UPDATE ticket SET turn = turn + 1 WHERE id = :id", {"id": ticket})
        self._connection.do(
            "UPDATE message SET turn = (SELECT turn FROM ticket WHERE id = :ticket) WHERE id = :message",
            {"ticket": ticket, "message": message},
        )

    def messages(self, ticket: int) -> list[Message]:
        rows = self._connection.all(
            f"SELECT {_MESSAGE} FROM message WHERE ticket = :ticket ORDER BY id", {"ticket": ticket}
        )
        return list(map(_message, rows))

    def newest_received(self, ticket: int) -> Message | None:
        """The last mail that came to a ticket, from a person or not."""
        row = self._connection.one(
            f"""
            SELECT {_MESSAGE} FROM message
            WHERE ticket = :ticket AND direction = 'in'
            ORDER BY id DESC LIMIT 1
            """,
            {"ticket": ticket},
        )
        return _message(row) if row else None

    def message(self, message: int) -> Message | None:
        row = self._connection.one(f"SELECT {_MESSAGE} FROM message WHERE id = :id", {"id": message})
        return _message(row) if row else None

    def count_messages(self, ticket: int) -> int:
        row = self._connection.one("SELECT count(*) FROM message WHERE ticket = :id", {"id": ticket})
        return row[0] if row else 0

    def ticket_of_mail(self, desk: str, sha256: bytes) -> int | None:
        """The ticket that already holds a received mail with these very bytes."""
        row = self._connection.one(
            """
            SELECT ticket FROM message
            WHERE desk = :desk AND sha256 = :sha256 AND direction = 'in'
            ORDER BY id LIMIT 1
            """,
            {"desk": desk, "sha256": sha256},
        )
        return row[0] if row else None

    def twin(self, desk: str, sha256: bytes, message_id: str, customer: str) -> Ticket | None:
        """Another desk's ticket that the same mail opened: the same bytes, or Message-ID and customer."""
        row = self._connection.one(
            f"""
            SELECT {_TICKET} FROM ticket
            WHERE desk <> :desk AND (
                id IN (SELECT ticket FROM message WHERE sha256 = :sha256 AND direction = 'in')
                OR (customer = :customer AND :message_id <> '' AND id IN (
                    SELECT ticket FROM thread_id WHERE message_id = :message_id AND kind = 'known'))
            )
            ORDER BY id LIMIT 1
            """,
            {"desk": desk, "sha256": sha256, "message_id": message_id, "customer": customer},
        )
        return _ticket(row) if row else None

    def message_by_id(self, desk: str, message_id: str) -> Message | None:
        """The newest message with this Message-ID in a ticket that is or was at this desk."""
        row = self._connection.one(
            f"""
            SELECT {_MESSAGE} FROM message
            WHERE message_id = :message_id AND ticket IN (
                SELECT seen.ticket FROM thread_id AS seen JOIN ticket ON ticket.id = seen.ticket
                WHERE seen.message_id = :message_id AND seen.kind IN ('ours', 'known')
                    AND (seen.desk = :desk OR ticket.desk = :desk)
            )
            ORDER BY id DESC LIMIT 1
            """,
            {"desk": desk, "message_id": message_id},
        )
        return _message(row) if row else None

    def set_message_status(self, message: int, status: MessageStatus) -> None:
        row = self._connection.one(
            "UPDATE message SET status = :status WHERE id = :id RETURNING ticket, desk",
            {"status": status.value, "id": message},
        )
        if row is not None:
            self._show_again(*row)

    def move_messages(self, messages: Sequence[int], ticket: Ticket) -> None:
        self._connection.run_many(
            "UPDATE message SET ticket = :ticket WHERE id = :id",
            [{"ticket": ticket.id, "id": message} for message in messages],
        )
        self._show_again(ticket.id, ticket.desk)

    def _show_again(self, ticket: int, desk: str) -> None:
        show_again(self._connection, ticket, desk)


def _conditions(wanted: TicketFilter) -> tuple[list[str], dict[str, object]]:
    conditions: list[str] = []
    parameters: dict[str, object] = {}
    for column in ("desk", "state", "owner"):
        value = getattr(wanted, column)
        if value:
            conditions.append(f"{column} = :{column}")
            parameters[column] = value
    if wanted.tag:
        conditions.append("id IN (SELECT ticket FROM tag WHERE name = :tag)")
        parameters["tag"] = wanted.tag
    return conditions, parameters
