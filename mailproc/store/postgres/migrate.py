"""The schema on PostgreSQL: numbered SQL files as for SQLite, all that are missing in one transaction."""

from __future__ import annotations

from mailproc.store.migrate import SchemaTooNew, scripts
from mailproc.store.postgres.connection import PostgresConnection

# Of this schema; another process that migrates waits.
_LOCK = "SELECT pg_advisory_xact_lock(1835101549, hashtext(current_schema()))"


def migrate(connection: PostgresConnection) -> None:
    """Bring the schema up to date, or leave it as it was.  psycopg.Error where that fails."""
    found = scripts("postgresql")
    newest = max(found)
    if version(connection) == newest:
        return
    connection.simple(f"BEGIN; {_LOCK}")
    try:
        current = version(connection)  # again, under the lock: another process may have been faster
        if current > newest:
            raise SchemaTooNew(
                f"the store has schema {current}, this mailproc knows {newest}: upgrade mailproc"
            )
        for number in sorted(each for each in found if each > current):
            connection.simple(found[number])
        connection.simple(f"DELETE FROM schema_version; INSERT INTO schema_version VALUES ({newest})")
        connection.simple("COMMIT")
    except BaseException:
        if not connection.is_lost:
            connection.simple("ROLLBACK")
        raise


def version(connection: PostgresConnection) -> int:
    """The schema's number; 0 where there is none."""
    if connection.one("SELECT to_regclass('schema_version') IS NULL") == (True,):
        return 0
    row = connection.one("SELECT version FROM schema_version")
    return row[0] if row else 0
