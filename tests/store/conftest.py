"""Both stores: a test that takes ``store`` or ``open_store`` runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from mailproc.failpoint import NO_FAILPOINTS
from mailproc.store.connection import Connection
from mailproc.store.migrate import migrate
from mailproc.store.postgres.migrate import migrate as migrate_postgres
from mailproc.store.postgres.session import Server
from mailproc.store.postgres.store import open_postgres
from mailproc.store.protocol import Store
from mailproc.store.sqlite import SqliteConnection, connect, open_sqlite

SQLITE, POSTGRESQL = "sqlite", pytest.param("postgresql", marks=pytest.mark.peers)


@pytest.fixture(params=[SQLITE, POSTGRESQL])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Callable[[], Store]]:
    """Opens a store that is empty at first, as often as wanted: each time as another process would."""
    if request.param == SQLITE:
        path = tmp_path / "state" / "mailproc.db"
        opener: Callable[[], Store] = lambda: open_sqlite(path)  # noqa: E731
    else:
        server = Server(request.getfixturevalue("store_server").new_schema())
        opener = lambda: open_postgres(server)  # noqa: E731
    opened: list[Store] = []

    def make() -> Store:
        opened.append(opener())
        return opened[-1]

    yield make
    await asyncio.gather(*(store.close() for store in opened))


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    """A connection to an empty store, in a transaction."""
    if request.param == SQLITE:
        raw = connect(tmp_path / "mailproc.db")
        migrate(raw, NO_FAILPOINTS)
        raw.execute("BEGIN")
        yield SqliteConnection(raw)
        raw.close()
    else:
        made = Server(request.getfixturevalue("store_server").new_schema()).connect()
        migrate_postgres(made)
        made.simple("BEGIN")
        yield made
        made.close()


@pytest.fixture
async def store(open_store: Callable[[], Store]) -> Store:
    return open_store()
