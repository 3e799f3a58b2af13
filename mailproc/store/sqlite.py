"""The embedded store: SQLite in WAL mode with ``synchronous=FULL``.

One connection writes, in group commits: all work that waits runs in one transaction, each piece behind
a savepoint, and nothing can be cancelled between BEGIN and COMMIT.  Another connection reads, and sees
the last commit.  Other processes may open the same file; who runs the daemon holds a lock beside it
(``ServeLock``).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from mailproc.failpoint import NO_FAILPOINTS, FailPoints
from mailproc.store.connection import (
    NO_PARAMETERS,
    Dialect,
    Row,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
)
from mailproc.store.group_commit import LOOK_AGAIN, GroupCommit, Session
from mailproc.store.job import Work
from mailproc.store.migrate import migrate
from mailproc.store.transaction import Transaction
from mailproc.store.turnstile import Turnstile

T = TypeVar("T")

PATIENCE = 5.0  # seconds
_HOLD = 0.002  # seconds for which reads may keep the event loop
_LISTEN = 0.25  # seconds between two looks whether another process committed

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # NORMAL loses acknowledged commits at a power cut
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",  # KiB
    "PRAGMA wal_autocheckpoint = 4000",  # pages: under load fewer are written twice
    "PRAGMA journal_size_limit = 67108864",
)


class SqliteConnection:
    """A ``Connection`` on sqlite3, whose errors leave as they are."""

    dialect = Dialect.SQLITE

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw

    def one(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> Row | None:
        row: Row | None = self.raw.execute(sql, parameters).fetchone()
        return row

    def all(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]:
        return self.raw.execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> int:
        return self.raw.execute(sql, parameters).rowcount

    def do(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> None:
        self.raw.execute(sql, parameters)

    def insert(self, sql: str, parameters: Mapping[str, object]) -> int | None:
        cursor = self.raw.execute(sql, parameters)
        return cursor.lastrowid if cursor.rowcount else None

    def run_many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None:
        self.raw.executemany(sql, rows)


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def store_error(error: sqlite3.Error) -> StoreError:
    """What a caller may make of sqlite3's error."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN):
        return StoreBusy(str(error))
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return StoreFull(str(error))
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(str(error))
    return StoreError(str(error))


class SqliteSession(Session):
    """How a group commit begins, ends and undoes on SQLite."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw: sqlite3.Connection | None = None

    def open(self) -> SqliteConnection:
        try:
            self._raw = connect(self._path)
            # Waiting is for who asks; SQLite's own sleeps up to 100 ms between two looks.
            self._raw.execute("PRAGMA busy_timeout = 0")
        except sqlite3.Error as error:
            raise store_error(error) from error
        return SqliteConnection(self._raw)

    def try_begin(self) -> bool:
        try:
            self._execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
            return False
        return True

    def commit(self) -> None:
        self._execute("COMMIT")

    def rollback(self) -> None:
        if self._raw is not None and self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    def savepoint(self) -> None:
        self._execute("SAVEPOINT work")

    def release(self) -> None:
        self._execute("RELEASE work")

    def rollback_to_savepoint(self) -> None:
        self._execute("ROLLBACK TO work")
        self._execute("RELEASE work")

    def translate(self, error: BaseException) -> StoreError | None:
        return store_error(error) if isinstance(error, sqlite3.Error) else None

    def version(self) -> int:
        """Another one after each commit of anybody else (https://sqlite.org/pragma.html#pragma_data_version)."""
        if self._raw is None:
            return 0
        (version,) = self._raw.execute("PRAGMA data_version").fetchone()
        return int(version)

    def close(self) -> None:
        if self._raw is not None:
            self._raw.close()
            self._raw = None

    def _execute(self, sql: str) -> None:
        assert self._raw is not None
        self._raw.execute(sql)


def connect(path: Path, *, busy_seconds: float = 5.0) -> sqlite3.Connection:
    """Open a connection with the settings that durability needs; transactions are ours to begin."""
    raw = sqlite3.connect(
        path, timeout=busy_seconds, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        for pragma in _PRAGMAS:
            raw.execute(pragma)
    except BaseException:
        raw.close()
        raise
    return raw


class SqliteStore:
    """The ``Store`` on one SQLite file."""

    def __init__(self, path: Path, *, busy_seconds: float = 5.0, turnstile: Turnstile | None = None) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._session = SqliteSession(path)
        self._writer = GroupCommit(self._session, busy_seconds=busy_seconds, turnstile=turnstile)
        self._reader: sqlite3.Connection | None = None
        self._gave_way = 0.0

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` on what is committed; on the loop, as that is cheaper than handing it to a thread."""
        await self._give_way()
        try:
            if self._reader is None:
                self._reader = connect(self.path, busy_seconds=self._busy_seconds)
            self._reader.execute("BEGIN")
            try:
                return work(Transaction(SqliteConnection(self._reader)))
            finally:
                self._reader.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise store_error(error) from error

    async def _give_way(self) -> None:
        """Who reads again and again must not keep the loop for himself; nor is a turn at each read needed."""
        if time.monotonic() - self._gave_way > _HOLD:
            await asyncio.sleep(0)
            self._gave_way = time.monotonic()

    async def write(self, work: Work[T]) -> T:
        return await self._writer.run(work)

    async def write_beside(self, work: Work[T]) -> T:
        return await self._writer.run(work)

    async def listen(self, wake: Callable[[], None]) -> None:
        known = self._version()
        while True:
            await asyncio.sleep(_LISTEN)
            if (version := self._version()) != known:
                known = version
                wake()

    def _version(self) -> int:
        try:
            return self._session.version()
        except sqlite3.Error:
            return -1  # whoever asks the store next is told why

    async def close(self) -> None:
        await self._writer.close()
        if self._reader is not None:
            self._reader.close()


def open_sqlite(
    path: Path,
    *,
    busy_seconds: float = 5.0,
    failpoints: FailPoints = NO_FAILPOINTS,
    turnstile: Turnstile | None = None,
) -> SqliteStore:
    """Open the store, making or migrating its schema; raise StoreError when that is impossible."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
        raw = connect(path, busy_seconds=busy_seconds)
        try:
            migrate(raw, failpoints)
        finally:
            raw.close()
    except sqlite3.Error as error:
        raise store_error(error) from error
    except OSError as error:
        raise StoreBusy(f"{path}: {error.strerror}") from error
    return SqliteStore(path, busy_seconds=busy_seconds, turnstile=turnstile)


def read_once(path: Path, work: Work[T]) -> T:
    """Read in one transaction of its own without an event loop: also for a thread."""
    try:
        with closing(connect(path, busy_seconds=PATIENCE)) as raw:
            raw.execute("BEGIN")
            return work(Transaction(SqliteConnection(raw)))
    except sqlite3.Error as error:
        raise store_error(error) from error


def write_once(path: Path, work: Work[T]) -> T:
    """Run one transaction without an event loop: for a process that has none."""
    session = SqliteSession(path)
    try:
        transaction = Transaction(session.open())
        deadline = time.monotonic() + PATIENCE
        while not session.try_begin():
            if time.monotonic() > deadline:
                raise StoreBusy(f"{path} is locked")
            time.sleep(LOOK_AGAIN)
        result = work(transaction)
        session.commit()
    except sqlite3.Error as error:
        raise store_error(error) from error
    finally:
        session.close()
    return result


def quick_check(path: Path, stopped: Callable[[], bool] = lambda: False) -> list[str]:
    """SQLite's own report on the file's soundness; empty when it is sound, or when ``stopped`` ended it.

    Reads the whole file.
    """
    try:
        raw = connect(path)
        try:
            raw.set_progress_handler(lambda: int(stopped()), 100_000)
            rows = raw.execute("PRAGMA quick_check(20)").fetchall()
        finally:
            raw.close()
    except sqlite3.Error as error:
        return [] if stopped() else [str(error)]
    return [row[0] for row in rows if row[0] != "ok"]
