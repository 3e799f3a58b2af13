"""What workers hold, on whatever machine: deliveries on their way through the chain, mail on its way out.

Who is known to have ended held nothing that he may still send.  Who is only not heard of may be frozen, and
go on one day: of his outgoing mail only that is given to others of which nothing can have left, and beginning
it is refused to him then (``Outbox.begin``).  The rest waits for its lease.
"""

from __future__ import annotations

from mailproc.store.connection import Connection
from mailproc.store.leases import WORKER


class Holdings:
    """Statements that end claims; each gives how many.  Times are seconds since 1970 in UTC."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def release_all(self) -> int:
        """For the one process that starts on a store which no other uses."""
        return self._in_both("SET lease = 0 WHERE state = 'waiting' AND lease > 0", {})

    def release(self, worker: str) -> int:
        """What a worker held that has ended."""
        return self._in_both(
            "SET lease = 0 WHERE state = 'waiting' AND lease > 0 AND worker = :worker", {"worker": worker}
        )

    def release_of_node(self, node: str) -> int:
        """What the workers of a daemon held that runs no more."""
        return self._in_both(
            "SET lease = 0 WHERE state = 'waiting' AND lease > 0 AND substr(worker, 1, :length) = :prefix",
            {"prefix": f"{node}/", "length": len(node) + 1},
        )

    def release_of_absent(self, now: float) -> int:
        """What workers hold that are not there (store/leases.py)."""
        parameters = {"now": now, "prefix": WORKER}
        deliveries = self._connection.run(
            """
            UPDATE delivery SET lease = 0
            WHERE state = 'waiting' AND lease > :now AND NOT EXISTS (
                SELECT 1 FROM lease AS held
                WHERE held.name = :prefix || delivery.worker AND held.expires > :now
            )
            """,
            parameters,
        )
        return deliveries + self._connection.run(
            """
            UPDATE outbox SET lease = 0
            WHERE state = 'waiting' AND lease > :now AND worker <> '' AND begun = 0 AND NOT EXISTS (
                SELECT 1 FROM lease AS held
                WHERE held.name = :prefix || outbox.worker AND held.expires > :now
            )
            """,
            parameters,
        )

    def _in_both(self, rest: str, parameters: dict[str, object]) -> int:
        tables = ("delivery", "outbox")
        return sum(self._connection.run(f"UPDATE {table} {rest}", parameters) for table in tables)
