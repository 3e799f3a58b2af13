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
        return self._in_both("lease > 0", {})

    def release(self, worker: str) -> int:
        """What a worker held that has ended."""
        return self._in_both("lease > 0 AND worker = :worker", {"worker": worker})

    def release_of_node(self, node: str) -> int:
        """What the workers of a daemon held that runs no more."""
        return self._in_both(
            "lease > 0 AND substr(worker, 1, :length) = :prefix",
            {"prefix": f"{node}/", "length": len(node) + 1},
        )

    def release_of_absent(self, now: float) -> int:
        """What workers hold that are not there (store/leases.py)."""
        of_absent = """
            lease > :now AND NOT EXISTS (
                SELECT 1 FROM lease AS held WHERE held.name = :prefix || worker AND held.expires > :now
            )
        """
        parameters = {"now": now, "prefix": WORKER}
        return self._release("delivery", of_absent, parameters) + self._release(
            "outbox", f"worker <> '' AND begun = 0 AND {of_absent}", parameters
        )

    def _in_both(self, condition: str, parameters: dict[str, object]) -> int:
        return sum(self._release(table, condition, parameters) for table in ("delivery", "outbox"))

    def _release(self, table: str, condition: str, parameters: dict[str, object]) -> int:
        return self._connection.run(
            f"UPDATE {table} SET lease = 0 WHERE state = 'waiting' AND {condition}", parameters
        )
