"""A PostgreSQL database as one end of a copy (store/copying.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

import psycopg

from mailproc.store.connection import Row
from mailproc.store.copying import AT_ONCE, End, Table
from mailproc.store.postgres.connection import PostgresConnection
from mailproc.store.postgres.migrate import migrate
from mailproc.store.postgres.session import Server, store_error
from mailproc.store.postgres.values import storable

_TABLES = """
    SELECT t.relname::text, array_to_string(array_agg(a.attname::text ORDER BY a.attnum), ','),
        (SELECT string_agg(k.attname::text, ',' ORDER BY array_position(i.indkey::int2[], k.attnum))
         FROM pg_index i JOIN pg_attribute k ON k.attrelid = i.indrelid AND k.attnum = ANY (i.indkey)
         WHERE i.indrelid = t.oid AND i.indisprimary),
        bool_or(a.attidentity <> '')
    FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE t.relkind = 'r' AND t.relnamespace = to_regnamespace(current_schema())
    GROUP BY t.oid, t.relname ORDER BY t.oid
"""


@contextmanager
def postgres_end(server: Server) -> Iterator[End]:
    """The tables are made where there are none; StoreError where that is impossible."""
    try:
        with closing(server.connect(by_index=False)) as connection:
            migrate(connection)
            # Reading the other end may take its time, and nothing waits for us.
            connection.simple("SET idle_in_transaction_session_timeout = 0; SET synchronous_commit = on")
            connection.simple("BEGIN ISOLATION LEVEL REPEATABLE READ")
            yield PostgresEnd(connection)
    except psycopg.Error as error:
        raise store_error(error) from error


class PostgresEnd:
    def __init__(self, connection: PostgresConnection) -> None:
        self.connection = connection

    def tables(self) -> dict[str, Table]:
        return {
            name: Table(name, tuple(columns.split(",")), tuple((key or "").split(",")), counts)
            for name, columns, key, counts in self.connection.all(_TABLES)
        }

    def rows(self, sql: str) -> Iterator[Row]:
        self.connection.simple(f"DECLARE copied NO SCROLL CURSOR FOR {sql}")
        try:
            while some := self.connection.all(f"FETCH {AT_ONCE} FROM copied"):
                yield from some
        finally:
            if not self.connection.is_lost:
                self.connection.simple("CLOSE copied")

    def fill(self, table: Table, rows: Iterable[Row]) -> None:
        names = ", ".join(table.columns)
        statement = f"COPY {table.name} ({names}) FROM STDIN".encode()
        with self.connection.raw.cursor() as cursor, cursor.copy(statement) as stream:
            for row in rows:
                stream.write_row([storable(value) for value in row])

    def count_on(self, table: Table) -> None:
        self.connection.one(
            f"""
            SELECT setval(pg_get_serial_sequence(:name, 'id'), coalesce(max(id), 0) + 1, false)
            FROM {table.name}
            """,
            {"name": table.name},
        )

    def commit(self) -> None:
        self.connection.simple("COMMIT")
