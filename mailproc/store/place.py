"""Where a store is, as the configuration names it; how it is opened there, by whom and for how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from mailproc.failpoint import NO_FAILPOINTS, FailPoints
from mailproc.store import sqlite
from mailproc.store.connection import StoreError
from mailproc.store.copying import Ends
from mailproc.store.job import Work
from mailproc.store.protocol import Store
from mailproc.store.sqlite_end import sqlite_end
from mailproc.store.turnstile import Turnstile

if TYPE_CHECKING:
    from mailproc.store.postgres.session import Server

T = TypeVar("T")

NEEDS_PSYCOPG = 'postgresql:// needs psycopg: pip install "mailproc[postgresql]"'


class Place(Protocol):
    """A file, or a server."""

    def open(self, failpoints: FailPoints = ..., turnstile: Turnstile | None = None) -> Store:
        """The store, its schema made or brought up to date; StoreError where that is impossible.

        Workers of one daemon share a turnstile.
        """
        ...

    def look_at(self) -> Store | None:
        """The store as it is, to be read; None where there is none yet."""
        ...

    def end(self) -> Ends:
        """One end of a copy (store/copying.py); StoreError where it cannot be one."""
        ...

    def read_once(self, work: Work[T]) -> T:
        """One transaction without an event loop: also in a thread, and however long."""
        ...

    def write_once(self, work: Work[T]) -> T:
        """The same, to write: for a process that runs no event loop, and no thread afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class SqlitePlace:
    """A file, which belongs to one machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def open(self, failpoints: FailPoints = NO_FAILPOINTS, turnstile: Turnstile | None = None) -> Store:
        return sqlite.open_sqlite(self.path, failpoints=failpoints, turnstile=turnstile)

    def look_at(self) -> Store | None:
        return sqlite.SqliteStore(self.path) if self.path.exists() else None

    def end(self) -> Ends:
        return sqlite_end(self.path)

    def read_once(self, work: Work[T]) -> T:
        return sqlite.read_once(self.path, work)

    def write_once(self, work: Work[T]) -> T:
        return sqlite.write_once(self.path, work)


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """A database that several machines share; ``timeout`` is for one answer, in seconds."""

    url: str = field(repr=False)
    timeout: float

    def __str__(self) -> str:
        return "the database at PostgreSQL"

    def open(self, failpoints: FailPoints = NO_FAILPOINTS, turnstile: Turnstile | None = None) -> Store:
        server = self._server()
        from mailproc.store.postgres.store import open_postgres

        return open_postgres(server, answer_within=self.timeout)

    def look_at(self) -> Store | None:
        server = self._server()
        from mailproc.store.postgres.store import existing_postgres

        return existing_postgres(server, answer_within=self.timeout)

    def end(self) -> Ends:
        server = self._server()
        from mailproc.store.postgres.end import postgres_end

        return postgres_end(server)

    def read_once(self, work: Work[T]) -> T:
        server = self._server()
        from mailproc.store.postgres.store import read_once

        return read_once(server, work)

    def write_once(self, work: Work[T]) -> T:
        server = self._server()
        from mailproc.store.postgres.store import write_once

        return write_once(server, work)

    def probe(self) -> str:
        """What is to be said of it; StoreError where it cannot be used."""
        server = self._server()
        from mailproc.store.postgres.store import probe

        return probe(server)

    def time(self) -> float:
        """The server's, in seconds since 1970 in UTC."""
        server = self._server()
        from mailproc.store.postgres.store import time_of

        return time_of(server)

    def _server(self) -> Server:
        """psycopg is imported where it is needed: it takes a tenth of a second, and is an extra."""
        try:
            from mailproc.store.postgres.session import Server
        except ImportError as error:
            raise StoreError(NEEDS_PSYCOPG) from error
        return Server(self.url)


def place_of(url: str, timeout: float) -> SqlitePlace | PostgresPlace:
    """Of a checked configuration."""
    scheme, _, path = url.partition(":")
    return SqlitePlace(Path(path)) if scheme == "sqlite" else PostgresPlace(url, timeout)
