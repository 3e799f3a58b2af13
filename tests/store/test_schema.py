"""Both databases have the same tables, columns and keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mailproc.failpoint import NO_FAILPOINTS
from mailproc.store.migrate import SchemaTooNew, migrate, scripts
from mailproc.store.postgres.migrate import migrate as migrate_postgres
from mailproc.store.postgres.migrate import version
from mailproc.store.postgres.session import Server
from mailproc.store.sqlite import connect
from tests.rig.store_server import StoreServer

TYPES = {"INTEGER": "bigint", "TEXT": "text", "REAL": "double precision", "BLOB": "bytea"}
POSTGRESQL_ONLY = {"schema_version", "commit_mark"}
ITS_OWN = "search_text"  # the dialects differ: store/full_text.py

Columns = dict[str, tuple[str, bool, bool]]  # type, may be NULL, has a default
Keys = set[frozenset[str]]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    raw = connect(tmp_path / "mailproc.db")
    migrate(raw, NO_FAILPOINTS)
    yield raw
    raw.close()


@pytest.fixture
def url(store_server: StoreServer) -> str:
    url = store_server.new_schema()
    with closing(Server(url).connect()) as connection:
        migrate_postgres(connection)
    return url


def of_sqlite(raw: sqlite3.Connection) -> dict[str, tuple[Columns, Keys]]:
    names = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name: _table(raw, name) for name in names if not name.startswith("sqlite_") and ITS_OWN not in name
    }


def _table(raw: sqlite3.Connection, name: str) -> tuple[Columns, Keys]:
    rows = raw.execute(f"PRAGMA table_info({name})").fetchall()
    primary = frozenset(row[1] for row in rows if row[5])
    columns = {
        row[1]: (TYPES[row[2]], not row[3] and row[1] not in primary, row[4] is not None) for row in rows
    }
    unique = [row[1] for row in raw.execute(f"PRAGMA index_list({name})") if row[2]]
    keys = {frozenset(row[2] for row in raw.execute(f"PRAGMA index_info({index})")) for index in unique}
    return columns, keys | {primary}


def of_postgres(server: StoreServer, url: str) -> dict[str, tuple[Columns, Keys]]:
    found: dict[str, tuple[Columns, Keys]] = {}
    for table, column, kind, nullable, default in server.ask(
        "SELECT table_name, column_name, data_type, is_nullable = 'YES', column_default IS NOT NULL"
        " FROM information_schema.columns WHERE table_schema = current_schema()",
        url,
    ):
        found.setdefault(table, ({}, set()))[0][column] = (kind, nullable, default)
    for table, columns in server.ask(
        "SELECT t.relname, array_agg(a.attname::text) FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid"
        " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)"
        " WHERE i.indisunique AND t.relnamespace = to_regnamespace(current_schema())"
        " GROUP BY i.indexrelid, t.relname",
        url,
    ):
        found[table][1].add(frozenset(columns))
    return {name: found[name] for name in found if name != ITS_OWN and name not in POSTGRESQL_ONLY}


@pytest.mark.peers
def test_both_schemas_are_the_same(file: sqlite3.Connection, store_server: StoreServer, url: str) -> None:
    assert of_postgres(store_server, url) == of_sqlite(file)


@pytest.mark.peers
def test_texts_compare_as_octets_and_indexes_are_the_same(
    file: sqlite3.Connection, store_server: StoreServer, url: str
) -> None:
    others = store_server.ask(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'",
        url,
    )
    assert others == []
    there = {row[0] for row in store_server.ask("SELECT indexname FROM pg_indexes", url)}
    here = {
        row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql <> ''")
    }
    assert here - there == set()


def test_migrations_come_in_pairs() -> None:
    sqlite, postgresql = set(scripts("sqlite")), set(scripts("postgresql"))
    first = min(postgresql)
    assert postgresql == {number for number in sqlite if number >= first}


@pytest.mark.peers
def test_a_newer_schema_is_refused(store_server: StoreServer, url: str) -> None:
    store_server.ask("UPDATE schema_version SET version = 9999", url)
    with closing(Server(url).connect()) as connection, pytest.raises(SchemaTooNew, match="9999"):
        migrate_postgres(connection)


@pytest.mark.peers
def test_a_migration_that_fails_leaves_nothing(store_server: StoreServer) -> None:
    url = store_server.new_schema()
    store_server.ask("CREATE TABLE ticket (id integer)", url)
    with closing(Server(url).connect()) as connection:
        with pytest.raises(Exception, match="already exists"):
            migrate_postgres(connection)
        assert version(connection) == 0
    tables = store_server.ask("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()", url)
    assert tables == [("ticket",)]


@pytest.mark.peers
def test_the_schema_may_be_opened_while_others_use_it(store_server: StoreServer, url: str) -> None:
    """No lock is waited for where nothing is missing."""
    with closing(Server(url).connect()) as one, closing(Server(url).connect()) as other:
        one.simple("BEGIN; LOCK TABLE ticket IN ACCESS EXCLUSIVE MODE")
        migrate_postgres(other)
        assert version(other) == max(scripts("postgresql"))
        one.simple("ROLLBACK")
