"""A ``Connection`` on PostgreSQL: libpq as psycopg wraps it, in the thread that calls.

psycopg's cursors find out the type of each value anew and cost three times as much as libpq itself.  What a
transaction does is known beforehand here, so statements that come again and again are prepared, and values
are converted by the few types that the schema has.
"""

from __future__ import annotations

import os
import socket
from collections import OrderedDict
from collections.abc import Iterable, Mapping

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from mailproc.store.connection import NO_PARAMETERS, Dialect, Row
from mailproc.store.postgres.statement import LONGEST_KEPT, Statement, translate
from mailproc.store.postgres.values import encode_all, rows_of

MOST_PREPARED = 512
_TIMES = 3  # so often a statement comes until it is worth preparing
_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class PostgresConnection:
    """psycopg's errors leave as they are; ``stirred`` says that others may have something to do."""

    dialect = Dialect.POSTGRESQL

    def __init__(self, raw: psycopg.Connection[Row]) -> None:
        self.raw = raw
        self.stirred = False
        self._pg: PGconn = raw.pgconn
        self._seen: OrderedDict[str, int] = OrderedDict()  # how often, up to _TIMES
        self._prepared: OrderedDict[str, bytes] = OrderedDict()  # its name at the server
        self._names = 0

    @property
    def is_lost(self) -> bool:
        """The server is not there any more, or was never asked."""
        return self._pg.status != ConnStatus.OK

    def cut(self) -> None:
        """End it from another thread: whoever waits for an answer gets an error at once."""
        try:
            with socket.socket(fileno=os.dup(self._pg.socket)) as wire:
                wire.shutdown(socket.SHUT_RDWR)
        except (OSError, psycopg.Error):
            return  # it has ended

    def close(self) -> None:
        self.raw.close()

    def notifications(self) -> list[bytes]:
        """What was said by NOTIFY since; does not wait."""
        self._pg.consume_input()
        return [said.extra for said in iter(self._pg.notifies, None)]

    # Connection

    def one(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> Row | None:
        rows = rows_of(self._execute(sql, parameters))
        return rows[0] if rows else None

    def all(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]:
        return rows_of(self._execute(sql, parameters))

    def run(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> int:
        return self._execute(sql, parameters).command_tuples or 0

    def insert(self, sql: str, parameters: Mapping[str, object]) -> int | None:
        row = self.one(f"{sql} RETURNING id", parameters)
        return row[0] if row else None

    def run_many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None:
        for row in rows:
            self._execute(sql, row)

    # libpq

    def simple(self, text: str) -> PGresult:
        """Several statements without parameters in one round trip; the answer to the last."""
        return _checked(self._pg.exec_(text.encode()))

    def _execute(self, sql: str, parameters: Mapping[str, object]) -> PGresult:
        statement = translate(sql)
        self.stirred = self.stirred or statement.stirs
        values, formats = encode_all(parameters[name] for name in statement.names)
        prepared = self._name(sql, statement)
        if prepared is None:
            result = self._pg.exec_params(statement.text, values, None, formats, Format.BINARY)
        else:
            result = self._pg.exec_prepared(prepared, values, formats, Format.BINARY)
        return _checked(result)

    def _name(self, sql: str, statement: Statement) -> bytes | None:
        """That of the prepared statement; None for one that did not come often enough."""
        if name := self._prepared.get(sql):
            self._prepared.move_to_end(sql)
            return name
        if len(sql) > LONGEST_KEPT:
            return None
        times = self._seen[sql] = self._seen.pop(sql, 0) + 1
        if len(self._seen) > MOST_PREPARED:
            self._seen.popitem(last=False)
        return self._prepare(sql, statement) if times >= _TIMES else None

    def _prepare(self, sql: str, statement: Statement) -> bytes:
        if len(self._prepared) >= MOST_PREPARED:
            _, oldest = self._prepared.popitem(last=False)
            self.simple(f"DEALLOCATE {oldest.decode()}")
        self._names += 1
        name = f"mailproc_{self._names}".encode()
        _checked(self._pg.prepare(name, statement.text))
        del self._seen[sql]
        self._prepared[sql] = name
        return name


def _checked(result: PGresult) -> PGresult:
    if result.status not in _GOOD:
        raise error_from_result(result)
    return result
