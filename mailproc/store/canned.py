"""Standard answers that agents keep as mails in a desk's folder ``Canned``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.store.connection import Connection


@dataclass(frozen=True, slots=True)
class CannedMail:
    """One mail of the folder, its bytes in ``raw_mail`` by their digest."""

    name: str
    language: str  # "": for any
    sha256: bytes


class CannedMails:
    """Statements on the table ``canned``."""

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
