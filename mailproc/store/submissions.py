"""What agents handed in, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.store.connection import Connection


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
    """Statements on ``submission``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, key: bytes, since: float) -> Submitted | None:
        """What became of this very mail when it was handed in before."""
        row = self._connection.one(
            "SELECT ticket, message FROM submission WHERE key = :key AND at >= :since",
            {"key": key, "since": since},
        )
        return Submitted(*row) if row else None

    def takes_part(self, desks: Sequence[str], address: str) -> bool:
        """Is somebody in a ticket of one of these desks?"""
        return any(
            self._connection.one(
                "SELECT 1 FROM participant WHERE desk = :desk AND address = :address LIMIT 1",
                {"desk": desk, "address": address},
            )
            for desk in desks
        )

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

    def write(self, message: int, *, message_id: str, sha256: bytes, size: int, turn: int) -> None:
        """What a message holds that was added before: its row's id stands in its Message-ID."""
        self._connection.run(
            """
            UPDATE message SET message_id = :message_id, sha256 = :sha256, size = :size, turn = :turn
            WHERE id = :id
            """,
            {"id": message, "message_id": message_id, "sha256": sha256, "size": size, "turn": turn},
        )
