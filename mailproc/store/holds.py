"""Answers that do not leave until somebody decides."""

from __future__ import annotations

from mailproc.model.held import Hold, HoldReason
from mailproc.store.connection import Connection, Row

_HOLD = "message, ticket, desk, agent, reason, detail, other, since, told, notices"


def _hold(row: Row) -> Hold:
    values = list(row)
    values[4] = HoldReason(row[4])
    return Hold(*values)


class Holds:
    """Statements on ``held_answer``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, hold: Hold) -> None:
        """Hold a message, or hold it for another reason from now on."""
        self._connection.run(
            """
            INSERT INTO held_answer (message, ticket, desk, agent, reason, detail, other, since, told,
                                     notices)
            VALUES (:message, :ticket, :desk, :agent, :reason, :detail, :other, :since, :told, :notices)
            ON CONFLICT (message) DO UPDATE
            SET reason = excluded.reason, detail = excluded.detail, other = excluded.other,
                told = excluded.told, notices = held_answer.notices + 1
            """,
            {
                "message": hold.message,
                "ticket": hold.ticket,
                "desk": hold.desk,
                "agent": hold.agent,
                "reason": hold.reason.value,
                "detail": hold.detail,
                "other": hold.other,
                "since": hold.since,
                "told": hold.told,
                "notices": hold.notices,
            },
        )

    def get(self, message: int) -> Hold | None:
        row = self._connection.one(
            f"SELECT {_HOLD} FROM held_answer WHERE message = :message", {"message": message}
        )
        return _hold(row) if row else None

    def remove(self, message: int) -> bool:
        """Somebody decided; False where somebody else was faster."""
        return bool(
            self._connection.run("DELETE FROM held_answer WHERE message = :message", {"message": message})
        )

    def told_before(self, moment: float, limit: int) -> list[Hold]:
        """What its author was not told of since then."""
        rows = self._connection.all(
            f"SELECT {_HOLD} FROM held_answer WHERE told <= :moment ORDER BY told LIMIT :limit",
            {"moment": moment, "limit": limit},
        )
        return list(map(_hold, rows))

    def told_again(self, hold: Hold, now: float) -> int | None:
        """Its author is told once more; how many notices that makes; None where somebody was faster."""
        row = self._connection.one(
            """
            UPDATE held_answer SET told = :now, notices = notices + 1
            WHERE message = :message AND notices = :notices
            RETURNING notices
            """,
            {"message": hold.message, "now": now, "notices": hold.notices},
        )
        return row[0] if row else None
