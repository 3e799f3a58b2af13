"""A SQLite file as one end of a copy (store/copying.py)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mailproc.failpoint import NO_FAILPOINTS
from mailproc.store.connection import Row
from mailproc.store.copying import AT_ONCE, End, Table
from mailproc.store.lock import ServeLock
from mailproc.store.migrate import migrate
from mailproc.store.sqlite import SqliteConnection, connect, store_error


@contextmanager
def sqlite_end(path: Path) -> Iterator[End]:
    """The file is made where there is none, and nobody serves it meanwhile; StoreError otherwise."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ServeLock(path):
        try:
            raw = connect(path)
            try:
                path.chmod(0o600)
                migrate(raw, NO_FAILPOINTS)
                raw.execute("BEGIN IMMEDIATE")
                yield SqliteEnd(raw)
            finally:
                raw.close()
        except sqlite3.Error as error:
            raise store_error(error) from error


class SqliteEnd:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self.connection = SqliteConnection(raw)
        self._raw = raw

    def tables(self) -> dict[str, Table]:
        names = self._raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid")
        found = [name for (name,) in names if not name.startswith(("sqlite_", "search_text"))]
        return {name: self._table(name) for name in found}

    def _table(self, name: str) -> Table:
        rows = self._raw.execute(f"PRAGMA table_info({name})").fetchall()
        key = tuple(row[1] for row in sorted(rows, key=lambda row: int(row[5])) if row[5])
        return Table(name, tuple(row[1] for row in rows), key, counts=False)

    def rows(self, sql: str) -> Iterator[Row]:
        cursor = self._raw.execute(sql)
        while some := cursor.fetchmany(AT_ONCE):
            yield from some

    def fill(self, table: Table, rows: Iterable[Row]) -> None:
        places = ", ".join("?" * len(table.columns))
        self._raw.executemany(
            f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({places})", rows
        )

    def count_on(self, table: Table) -> None:
        """SQLite counts on from the greatest id that there is."""

    def commit(self) -> None:
        self._raw.execute("COMMIT")
