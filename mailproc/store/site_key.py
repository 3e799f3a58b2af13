"""Which key the tags and addresses of a shared store are signed by: every machine must have it.

The store keeps a fingerprint, from which nobody learns the key.
"""

from __future__ import annotations

from collections.abc import Sequence

from mailproc.store.connection import Connection, StoreError

FORGET = "mailproc store forget-key"


class OtherKey(StoreError):
    """Its machine would refuse what the others sign, and they what it signs."""


class SiteKey:
    """Statements on ``site_key``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def agree(self, fingerprints: Sequence[bytes]) -> None:
        """Sign by the last of these from now on; OtherKey where the one in use is not among them.

        So a key is rotated: the new one stands below the old one in every machine's file before any uses it.
        """
        self.require(fingerprints)
        self._connection.run(
            """
            INSERT INTO site_key (id, fingerprint) VALUES (1, :newest)
            ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint
            """,
            {"newest": fingerprints[-1]},
        )

    def require(self, fingerprints: Sequence[bytes]) -> None:
        """OtherKey where one is in use that is not among these."""
        row = self._connection.one("SELECT fingerprint FROM site_key")
        if row is not None and row[0] not in fingerprints:
            raise OtherKey("is not the key that the store's tickets are signed by: copy another machine's")

    def forget(self) -> bool:
        """The next daemon that starts says which key it is; False where none was known."""
        return bool(self._connection.run("DELETE FROM site_key"))
