"""Authors: who wrote to a desk, how often, and how often their domain vouched for it."""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Author:
    mails: int
    aligned: int  # how many of the mails had DMARC alignment
    open_tickets: int
    answered: float | None = None  # when one of our answers left last
    answered_by: str = ""


class Authors:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, desk: str, address: str) -> Author:
        row = self._connection.one(
            """
            SELECT
                coalesce((SELECT mails FROM author WHERE desk = :desk AND address = :address), 0),
                coalesce((SELECT aligned FROM author WHERE desk = :desk AND address = :address), 0),
                (SELECT count(*) FROM participant JOIN ticket ON ticket.id = participant.ticket
                 WHERE participant.desk = :desk AND participant.address = :address
                   AND ticket.state NOT IN ('closed', 'spam'))
            """,
            {"desk": desk, "address": address},
        )
        if row is None or not row[0]:
            return Author(0, 0, row[2] if row else 0)
        answered, by = self._last_answer(desk, address)
        return Author(row[0], row[1], row[2], answered, by)

    def _last_answer(self, desk: str, address: str) -> tuple[float | None, str]:
        """When it left, and by which agent; answers that wait or are held do not count.

        Only the newest tickets are looked at: some authors have thousands.
        """
        row = self._connection.one(
            """
            SELECT message.at, message.agent
            FROM message
            WHERE message.ticket IN (
                SELECT ticket FROM participant
                WHERE desk = :desk AND address = :address
                ORDER BY ticket DESC LIMIT 50
            )
              AND message.direction = 'out' AND message.status = 'sent'
            ORDER BY message.at DESC LIMIT 1
            """,
            {"desk": desk, "address": address},
        )
        return (row[0], row[1]) if row else (None, "")

    def count(self, desk: str, address: str, *, aligned: bool, at: float) -> None:
        """Count one mail of an author."""
        self._connection.do(
            """
            INSERT INTO author (desk, address, mails, aligned, first, last)
            VALUES (:desk, :address, 1, :aligned, :at, :at)
            ON CONFLICT (desk, address) DO UPDATE SET
                mails = author.mails + 1, aligned = author.aligned + :aligned, last = :at
            """,
            {"desk": desk, "address": address, "aligned": int(aligned), "at": at},
        )
