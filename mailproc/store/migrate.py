"""Schema migrations: numbered SQL files, all that are missing in one transaction.

A store whose schema is newer than this program is refused: an old program would write rows that the
new one cannot trust.
"""

from __future__ import annotations

import re
import sqlite3
from importlib import resources

from mailproc.failpoint import FailPoints
from mailproc.store.connection import StoreError

_NAME = re.compile(r"([a-z]+)_(\d{4})\.sql")


class SchemaTooNew(StoreError):
    """The store was written by a newer mailproc."""


def migrate(connection: sqlite3.Connection, failpoints: FailPoints) -> None:
    """Bring the schema up to date, or leave it as it was."""
    found = scripts("sqlite")
    newest = max(found)
    if _version(connection) == newest:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)  # again, under the lock: another process may have been faster
        if version > newest:
            raise SchemaTooNew(
                f"the store has schema {version}, this mailproc knows {newest}: upgrade mailproc"
            )
        for number in range(version + 1, newest + 1):
            for statement in _statements(found[number]):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {newest}")
        failpoints.reach("migrate.before_commit")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def scripts(dialect: str) -> dict[int, str]:
    """Those of a database by their numbers; the same number makes the same tables on both."""
    folder = resources.files("mailproc.store") / "migrations"
    names = ((entry, _NAME.fullmatch(entry.name)) for entry in folder.iterdir())
    return {
        int(match[2]): entry.read_text("utf-8") for entry, match in names if match and match[1] == dialect
    }


def _statements(script: str) -> list[str]:
    """Split a script; ``executescript`` would commit behind our back."""
    statements, buffer = [], ""
    for line in script.splitlines(keepends=True):
        buffer += line
        if sqlite3.complete_statement(buffer):
            statements.append(buffer)
            buffer = ""
    return statements
