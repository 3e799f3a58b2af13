"""Automatic answers sent: what the limits per ticket, recipient, domain and in total count.

Windows end ``SKEW`` after now: clocks of several machines differ a little, while an answer that a clock
error put far into the future must not block a recipient for years.
"""

from __future__ import annotations

from mailproc.store.connection import Connection

SKEW = 3600.0  # seconds


class AutoAnswers:
    """The ``auto_answer`` table.  Times are seconds since 1970, windows are seconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, desk: str, ticket: int, recipient: str, domain: str, vouched: bool, at: float) -> None:
        self._connection.run(
            """INSERT INTO auto_answer (desk, ticket, recipient, domain, vouched, at)
               VALUES (:desk, :ticket, :recipient, :domain, :vouched, :at)""",
            {
                "desk": desk,
                "ticket": ticket,
                "recipient": recipient,
                "domain": domain,
                "vouched": int(vouched),
                "at": at,
            },
        )

    def at_most(self, window: float, now: float) -> int:
        """An upper bound of the answers of a window, at the price of two look-ups whatever it holds.

        Ids rise with time, so the distance of two ids bounds the rows between them.
        """
        row = self._connection.one(
            """SELECT (SELECT max(id) FROM auto_answer)
                    - (SELECT id FROM auto_answer
                       WHERE at > :since AND at <= :until ORDER BY at LIMIT 1) + 1""",
            {"since": now - window, "until": now + SKEW},
        )
        return int(row[0] or 0) if row else 0

    def newest(self, now: float) -> float | None:
        """When the last answer went."""
        row = self._connection.one(
            "SELECT max(at) FROM auto_answer WHERE at <= :until", {"until": now + SKEW}
        )
        return None if row is None or row[0] is None else float(row[0])

    def of_ticket(self, ticket: int) -> int:
        return self._count("SELECT count(*) FROM auto_answer WHERE ticket = :ticket", {"ticket": ticket})

    def to_recipient(self, recipient: str, window: float, now: float) -> int:
        return self._count(
            """SELECT count(*) FROM auto_answer
               WHERE recipient = :recipient AND at > :since AND at <= :until""",
            {"recipient": recipient, "since": now - window, "until": now + SKEW},
        )

    def to_domain(self, domain: str, window: float, now: float) -> int:
        return self._count(
            """SELECT count(*) FROM auto_answer
               WHERE domain = :domain AND at > :since AND at <= :until""",
            {"domain": domain, "since": now - window, "until": now + SKEW},
        )

    def total(self, window: float, now: float) -> int:
        return self._count(
            "SELECT count(*) FROM auto_answer WHERE at > :since AND at <= :until",
            {"since": now - window, "until": now + SKEW},
        )

    def unvouched(self, window: float, now: float) -> int:
        return self._count(
            """SELECT count(*) FROM auto_answer
               WHERE vouched = 0 AND at > :since AND at <= :until""",
            {"since": now - window, "until": now + SKEW},
        )

    def _count(self, sql: str, parameters: dict[str, object]) -> int:
        row = self._connection.one(sql, parameters)
        return int(row[0]) if row else 0
