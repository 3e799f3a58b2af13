"""Originals that lie in a bucket instead of the database: which may go there, and that they did.

``raw_mail`` keeps the digest and the size of each; ``codec`` is then ``ELSEWHERE`` and there is no content.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.store.codec import ELSEWHERE, pack
from mailproc.store.connection import Connection

LEAST_EVER = 16_384  # octets; the index of what may be moved has nothing smaller (migrations/*_0013.sql)

# Not what waits for the chain, was set aside, or is a standard answer, nor what anybody works on: only what
# belongs to tickets that are done.  What was merged belongs to the other ticket.
_RESTS = """
    EXISTS (SELECT 1 FROM message WHERE message.sha256 = raw_mail.sha256)
    AND NOT EXISTS (
        SELECT 1 FROM message
        JOIN ticket AS part ON part.id = message.ticket
        JOIN ticket ON ticket.id = coalesce(part.merged_into, part.id)
        WHERE message.sha256 = raw_mail.sha256
          AND (ticket.state NOT IN ('closed', 'spam') OR ticket.updated > :before)
    )
"""
_HERE = f"codec < 2 AND size >= {LEAST_EVER} AND size >= :least"


@dataclass(frozen=True, slots=True)
class Original:
    """A stored mail, by its digest; ``size`` in octets."""

    sha256: bytes
    size: int


@dataclass(frozen=True, slots=True)
class MovingRule:
    """What is moved: originals of at least ``least`` octets, of tickets that were closed, or spam, ``after``
    seconds ago."""

    least: int
    after: float


class Originals:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def to_move(self, rule: MovingRule, now: float, limit: int) -> list[Original]:
        """Some that may go, the largest first."""
        rows = self._connection.all(
            f"""
            SELECT sha256, size FROM raw_mail WHERE {_HERE} AND {_RESTS}
            ORDER BY size DESC LIMIT :limit
            """,
            {"least": rule.least, "before": now - rule.after, "limit": limit},
        )
        return [Original(*row) for row in rows]

    def waiting(self, rule: MovingRule, now: float) -> int:
        """How many may go."""
        row = self._connection.one(
            f"SELECT count(*) FROM raw_mail WHERE {_HERE} AND {_RESTS}",
            {"least": rule.least, "before": now - rule.after},
        )
        return int(row[0]) if row else 0

    def in_bucket(self) -> tuple[int, int]:
        """How many lie there, and their octets."""
        row = self._connection.one(
            "SELECT count(*), CAST(coalesce(sum(size), 0) AS bigint) FROM raw_mail WHERE codec = 2"
        )
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def let_go(self, sha256: bytes) -> None:
        """The bucket has it, as was verified: the database need not."""
        self._connection.run(
            "UPDATE raw_mail SET codec = :elsewhere, content = :nothing WHERE sha256 = :sha256",
            {"elsewhere": ELSEWHERE, "nothing": b"", "sha256": sha256},
        )

    def take_back(self, sha256: bytes, raw: bytes) -> None:
        """The database has it again; the bucket still does, too."""
        codec, content = pack(raw)
        self._connection.run(
            "UPDATE raw_mail SET codec = :codec, content = :content WHERE sha256 = :sha256",
            {"codec": codec, "content": content, "sha256": sha256},
        )

    def page(self, after: bytes, limit: int, *, in_bucket: bool = False) -> list[Original]:
        """The originals after that one in the order of their digests; all, or those in the bucket."""
        where = "AND codec = 2" if in_bucket else ""
        rows = self._connection.all(
            f"SELECT sha256, size FROM raw_mail WHERE sha256 > :after {where} ORDER BY sha256 LIMIT :limit",
            {"after": after, "limit": limit},
        )
        return [Original(*row) for row in rows]
