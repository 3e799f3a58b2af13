"""What only one worker of all may do at a time: a lease with a fencing token.

The token grows with every new holder.  Who holds a lease proves it inside each transaction that depends on it
(``holds``); one that slept past its lease finds that another token is in force, and changes nothing.  A lease
that ends later than any can was taken before the machine's clock was put back, and is worth nothing.
"""

from __future__ import annotations

from mailproc.store.connection import Connection

WORKER = "worker:"  # begins the names of leases by which workers are known to be there
LONGEST = 600.0  # seconds for which anybody takes or renews a lease, and then some


class Leases:
    """Statements on ``lease``.  Times are seconds since 1970 in UTC."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def is_free(self, name: str, holder: str, now: float) -> bool:
        """Could ``holder`` have it?"""
        row = self._connection.one(
            """
            SELECT 1 FROM lease
            WHERE name = :name AND expires > :now AND expires <= :latest AND holder <> :holder
            """,
            {"name": name, "now": now, "latest": now + LONGEST, "holder": holder},
        )
        return row is None

    def acquire(self, name: str, holder: str, now: float, until: float) -> int | None:
        """Take a lease that nobody holds; its token, or None.

        ``holder`` gets back at once what it held before: a worker that was started again goes on.
        """
        row = self._connection.one(
            """
            INSERT INTO lease (name, holder, token, expires) VALUES (:name, :holder, 1, :until)
            ON CONFLICT (name) DO UPDATE
            SET holder = excluded.holder, token = lease.token + 1, expires = excluded.expires
            WHERE lease.expires <= :now OR lease.expires > :latest OR lease.holder = excluded.holder
            RETURNING token
            """,
            {"name": name, "holder": holder, "now": now, "latest": now + LONGEST, "until": until},
        )
        return row[0] if row else None

    def announce(self, worker: str, until: float) -> None:
        """A worker is there until then, as far as anybody knows."""
        self._connection.run(
            """
            INSERT INTO lease (name, holder, token, expires) VALUES (:name, :worker, 1, :until)
            ON CONFLICT (name) DO UPDATE SET expires = excluded.expires
            """,
            {"name": WORKER + worker, "worker": worker, "until": until},
        )

    def has_workers(self, now: float) -> bool:
        """Is any worker there, as far as anybody knows?"""
        row = self._connection.one(
            "SELECT 1 FROM lease WHERE substr(name, 1, :length) = :worker AND expires > :now LIMIT 1",
            {"worker": WORKER, "length": len(WORKER), "now": now},
        )
        return row is not None

    def forget_workers(self, moment: float) -> None:
        """Those that were not there since then."""
        self._connection.run(
            "DELETE FROM lease WHERE substr(name, 1, :length) = :worker AND expires < :moment",
            {"worker": WORKER, "length": len(WORKER), "moment": moment},
        )

    def held(self, now: float) -> list[tuple[str, float]]:
        """Every lease that somebody holds, and when it expires; not those by which workers are known."""
        rows = self._connection.all(
            """
            SELECT name, expires FROM lease
            WHERE expires > :now AND substr(name, 1, :length) <> :worker ORDER BY name
            """,
            {"now": now, "worker": WORKER, "length": len(WORKER)},
        )
        return [(name, expires) for name, expires in rows]

    def renew(self, name: str, token: int, until: float) -> bool:
        """Hold it longer; False where another took it meanwhile."""
        return bool(
            self._connection.run(
                "UPDATE lease SET expires = :until WHERE name = :name AND token = :token",
                {"name": name, "token": token, "until": until},
            )
        )

    def holds(self, name: str, token: int) -> bool:
        """Is this still the newest token?"""
        row = self._connection.one(
            "SELECT 1 FROM lease WHERE name = :name AND token = :token", {"name": name, "token": token}
        )
        return row is not None

    def release(self, name: str, token: int) -> None:
        """Let another worker have it at once."""
        self._connection.run(
            "UPDATE lease SET expires = 0, holder = '' WHERE name = :name AND token = :token",
            {"name": name, "token": token},
        )
