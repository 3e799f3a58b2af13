"""Standard answers that agents keep as mails in a desk's folder ``Canned``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.store.connection import Connection


@dataclass(frozen=True, slots=True)
class CannedMail:
    """One mail of the folder, its bytes in ``raw_mail`` by their digest."""

    name: str
    language: str  # "": for any
    sha256: bytes


@dataclass(frozen=True, slots=True)
class CannedUse:
    """A standard answer that was given, and the words of the mail that it answered."""

    name: str
    words: frozenset[str]


class CannedMails:
    """Statements on the tables ``canned`` and ``canned_use``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def replace(self, desk: str, mails: Sequence[CannedMail], now: float) -> None:
        """From now on a desk has these; each name and language once."""
        self._connection.run("DELETE FROM canned WHERE desk = :desk", {"desk": desk})
        self._connection.run_many(
            """
            INSERT INTO canned (desk, name, language, sha256, at)
            VALUES (:desk, :name, :language, :sha256, :at)
            """,
            [
                {
                    "desk": desk,
                    "name": mail.name,
                    "language": mail.language,
                    "sha256": mail.sha256,
                    "at": now,
                }
                for mail in mails
            ],
        )

    def of_desk(self, desk: str) -> list[CannedMail]:
        rows = self._connection.all(
            "SELECT name, language, sha256 FROM canned WHERE desk = :desk ORDER BY name, language",
            {"desk": desk},
        )
        return [CannedMail(*row) for row in rows]

    def add_uses(self, message: int, desk: str, names: Sequence[str], words: Sequence[str]) -> None:
        """These stood in an answer to a mail with these words."""
        self._connection.run_many(
            "INSERT INTO canned_use (message, name, desk, words) VALUES (:message, :name, :desk, :words)",
            [
                {
                    "message": message,
                    "name": name,
                    "desk": desk,
                    "words": json.dumps(words, ensure_ascii=False),
                }
                for name in dict.fromkeys(names)
            ],
        )

    def uses(self, desk: str, limit: int) -> list[CannedUse]:
        """What stood in answers that left, or are to leave, the newest first."""
        rows = self._connection.all(
            """
            SELECT canned_use.name, canned_use.words
            FROM canned_use JOIN message ON message.id = canned_use.message
            WHERE canned_use.desk = :desk AND message.status IN ('waiting', 'sent')
            ORDER BY canned_use.message DESC, canned_use.name LIMIT :limit
            """,
            {"desk": desk, "limit": limit},
        )
        return [CannedUse(name, frozenset(json.loads(words))) for name, words in rows]
