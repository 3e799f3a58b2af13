"""What a store that comes out of a backup must not do again, because the lost one did it already.

The backup does not know what came after it, but others do: copies in the folder and Message-IDs of answers
bear numbers of rows, customers have ticket numbers.  None of them may be given a second time.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailproc.store.connection import Connection, Dialect

ROWS = 1_000_000  # passed over: more than any site adds between two backups
NUMBERS = 10_000  # of tickets, of each day or of all
PROBLEM = "restored from a backup: it may have left before; mailproc outbox retry sends it"


class Restored:
    """Statements for the one transaction after a restore.  Times are seconds since 1970 in UTC."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self) -> tuple[int, float] | None:
        """The newest ticket, and when anything happened last; None of an empty store."""
        row = self._connection.one("SELECT max(ticket.id), max(updated) FROM ticket")
        return (row[0], row[1]) if row and row[0] is not None else None

    def keep_back(self) -> int:
        """Let nothing leave that waited for the relay; how many items that were."""
        return self._connection.run(
            "UPDATE outbox SET state = 'failed', lease = 0, problem = :problem WHERE state = 'waiting'",
            {"problem": PROBLEM},
        )

    def acknowledge_nothing(self) -> int:
        """What waited for the chain gets no acknowledgement any more; how many mails that were."""
        return self._connection.run("UPDATE delivery SET history = 1 WHERE state = 'waiting'")

    def pass_over_rows(self) -> None:
        """The newest message and event get rows far beyond those that were given since; there must be some.

        What is laid again counts from there on, too: its row is of a message that there is not.
        """
        self._connection.run(
            "UPDATE message SET id = id + :rows WHERE id = (SELECT max(id) FROM message)", {"rows": ROWS}
        )
        self._connection.run(
            "UPDATE event SET id = id + :rows WHERE id = (SELECT max(id) FROM event)", {"rows": ROWS}
        )
        self._connection.run(
            """
            INSERT INTO laid_again (id, message, at, headers)
            SELECT coalesce(max(id), 0) + :rows, 0, 0, '[]' FROM laid_again
            """,
            {"rows": ROWS},
        )

    def count_on(self) -> None:
        """Rows get their numbers behind the newest; SQLite sees to that itself."""
        if self._connection.dialect is Dialect.SQLITE:
            return
        for table in ("message", "event", "laid_again"):
            self._connection.one(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), coalesce(max(id), 0) + 1, false)"
                f" FROM {table}"
            )

    def pass_over_numbers(self, periods: Iterable[str]) -> None:
        """Of tickets, in these days and in the count of all."""
        self._connection.run("UPDATE sequence SET last = last + :more WHERE period = ''", {"more": NUMBERS})
        self._connection.run_many(
            """
            INSERT INTO sequence (desk, period, last) VALUES ('', :period, :more)
            ON CONFLICT (desk, period) DO UPDATE SET last = sequence.last + :more
            """,
            [{"period": period, "more": NUMBERS} for period in periods],
        )
