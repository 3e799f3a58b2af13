"""Automatic answers sent: what the limits per ticket, recipient, domain and in total count.

Windows end ``SKEW`` after now: clocks of several machines differ a little, while an answer that a clock
error put far into the future must not block a recipient for years.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.store.connection import Connection

SKEW = 3600.0  # seconds
HOUR = 3600.0
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class SentUntilNow:
    """What decides for nearly every answer whether a limit may be near.

    ``within_hour`` and ``within_day`` are upper bounds.  The day has an hour more, so that it also holds the
    one that ended with ``newest``, where that was within the last hour.
    """

    to_ticket: int
    newest: float | None
    within_hour: int
    within_day: int


class AutoAnswers:
    """The ``auto_answer`` table.  Times are seconds since 1970, windows are seconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, desk: str, ticket: int, recipient: str, domain: str, vouched: bool, at: float) -> None:
        self._connection.do(
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

    def until_now(self, ticket: int, now: float) -> SentUntilNow:
        """One statement and a few look-ups, whatever the table holds.

        Ids rise with time, so the distance of two ids is an upper bound of the rows between them.
        """
        row = self._connection.one(
            """
            SELECT (SELECT count(*) FROM auto_answer WHERE ticket = :ticket),
                   (SELECT max(at) FROM auto_answer WHERE at <= :until),
                   (SELECT max(id) FROM auto_answer),
                   (SELECT id FROM auto_answer WHERE at > :hour AND at <= :until ORDER BY at LIMIT 1),
                   (SELECT id FROM auto_answer WHERE at > :day AND at <= :until ORDER BY at LIMIT 1)
            """,
            {"ticket": ticket, "until": now + SKEW, "hour": now - HOUR, "day": now - DAY - HOUR},
        )
        assert row is not None
        to_ticket, newest, last, first_of_hour, first_of_day = row
        return SentUntilNow(
            to_ticket,
            newest,
            within_hour=0 if first_of_hour is None else last - first_of_hour + 1,
            within_day=0 if first_of_day is None else last - first_of_day + 1,
        )

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
