"""What agents handed in, and the messages that it becomes.

A message of ours carries the id of its row in its Message-ID and its bounce address, and is signed before
the transaction that decides about it.  So its row is reserved first, as a message of no ticket, and filled
by that transaction.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from mailproc.model.ticket import Direction, MessageStatus, Ticket
from mailproc.store.connection import Connection
from mailproc.store.folders import show_again
from mailproc.store.tickets import NewMessage

RESERVATION = 86_400.0  # seconds after which a row that nobody filled is given up


@dataclass(frozen=True, slots=True)
class Reservation:
    """A row of ``message`` whose id can stand in a Message-ID before its mail is written."""

    id: int
    at: float


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """A mail that an agent handed in; ``key`` is equal only for the same mail handed in again."""

    key: bytes
    agent: str
    message_id: str
    desk: str
    text: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a mail that was handed in; None where it is no ticket's."""

    ticket: int | None
    message: int | None


class Submissions:
    """Statements on ``submission`` and on reserved rows of ``message``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, key: bytes, since: float) -> Submitted | None:
        """What became of this very mail when it was handed in before."""
        row = self._connection.one(
            "SELECT ticket, message FROM submission WHERE key = :key AND at >= :since",
            {"key": key, "since": since},
        )
        return Submitted(*row) if row else None

    def with_message_id(self, agent: str, message_id: str, since: float) -> int | None:
        """The row of a message that an agent handed in under this Message-ID."""
        row = self._connection.one(
            """
            SELECT max(message) FROM submission
            WHERE agent = :agent AND message_id = :message_id AND at >= :since
            """,
            {"agent": agent, "message_id": message_id, "since": since},
        )
        return row[0] if row else None

    def with_text(self, agent: str, ticket: int, text: bytes, turn: int) -> int | None:
        """The row of an answer to this turn by the agent with the same text, unless it came to nothing."""
        row = self._connection.one(
            """
            SELECT max(message.id) FROM submission JOIN message ON message.id = submission.message
            WHERE submission.ticket = :ticket AND submission.agent = :agent AND submission.text = :text
              AND message.turn = :turn AND message.status IN ('waiting', 'sent', 'held')
            """,
            {"agent": agent, "ticket": ticket, "text": text, "turn": turn},
        )
        return row[0] if row else None

    def add(self, new: NewSubmission, became: Submitted, since: float) -> bool:
        """Remember a mail that was handed in; False where it is known since then."""
        changed = self._connection.run(
            """
            INSERT INTO submission (key, agent, message_id, desk, ticket, message, text, at)
            VALUES (:key, :agent, :message_id, :desk, :ticket, :message, :text, :at)
            ON CONFLICT (key) DO UPDATE
            SET ticket = excluded.ticket, message = excluded.message, at = excluded.at
            WHERE submission.at < :since
            """,
            {
                "key": new.key,
                "agent": new.agent,
                "message_id": new.message_id,
                "desk": new.desk,
                "ticket": became.ticket,
                "message": became.message,
                "text": new.text,
                "at": new.at,
                "since": since,
            },
        )
        return bool(changed)

    def reserve(self, desk: str, at: float) -> Reservation:
        """Take the id of a message that belongs to no ticket yet; rows that were never filled go."""
        self._connection.run(
            "DELETE FROM message WHERE ticket = 0 AND at < :before", {"before": at - RESERVATION}
        )
        row = self._connection.one(
            """
            INSERT INTO message (ticket, desk, sha256, direction, sender, recipients, subject, message_id,
                                 size, automatic, status, at)
            VALUES (0, :desk, :sha256, :direction, '', '[]', '', '', 0, 'none', :status, :at)
            RETURNING id
            """,
            {
                "desk": desk,
                "sha256": b"",
                "direction": Direction.OUT.value,
                "status": MessageStatus.HELD.value,
                "at": at,
            },
        )
        assert row is not None
        return Reservation(row[0], at)

    def fill(self, reservation: Reservation, ticket: Ticket, new: NewMessage, turn: int) -> bool:
        """Make the reserved row a message of a ticket; False where the reservation is no longer good."""
        changed = self._connection.run(
            """
            UPDATE message
            SET ticket = :ticket, desk = :desk, sha256 = :sha256, direction = :direction, sender = :sender,
                recipients = :recipients, subject = :subject, date = :date, message_id = :message_id,
                size = :size, automatic = :automatic, agent = :agent, status = :status, at = :at, turn = :turn
            WHERE id = :id AND ticket = 0 AND at = :reserved
            """,
            {
                "id": reservation.id,
                "reserved": reservation.at,
                "ticket": ticket.id,
                "desk": ticket.desk,
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
                "at": new.at,
                "turn": turn,
            },
        )
        show_again(self._connection, ticket.id, ticket.desk)
        return bool(changed)
