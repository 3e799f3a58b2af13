"""A hot standby of a real PostgreSQL, made by pg_basebackup, that takes over when it is told to."""

from __future__ import annotations

from urllib.parse import quote

from tests.rig.sources import program
from tests.rig.store_server import StoreServer


class Standby(StoreServer):
    """Streams from ``primary``, which answers no COMMIT from now on that has not come here."""

    programs: tuple[str, ...] = (*StoreServer.programs, "pg_basebackup")

    def __init__(self, primary: StoreServer) -> None:
        self._primary = primary
        super().__init__()
        primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.ask("SELECT pg_reload_conf()")
        primary.wait_for("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")

    def _make(self) -> None:
        self.storage.chmod(0o700)
        source = f"host=127.0.0.1 port={self._primary.port} user=postgres"
        copy = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        self._run(str(program("pg_basebackup")), "-d", source, "-D", str(self.storage), *copy)

    def promote(self) -> None:
        """It is the primary when this returns; nobody need follow it."""
        self.ask("SELECT pg_promote()")
        self.ask("ALTER SYSTEM RESET synchronous_standby_names")
        self.ask("SELECT pg_reload_conf()")


def url_of_both(primary: StoreServer, standby: StoreServer, schema: str) -> str:
    """The store wherever it can be written to."""
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in (primary, standby))
    return f"postgresql://postgres@{hosts}/postgres?options={quote(f'-csearch_path={schema}')}"
