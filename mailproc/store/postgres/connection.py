"""A ``Connection`` on PostgreSQL: libpq as psycopg wraps it, in the thread that calls.

psycopg's cursors find out the type of each value anew and cost three times as much as libpq itself.  What a
transaction does is known beforehand here, so statements that come again and again are prepared, and values
are converted by the few types that the schema has.
"""

from __future__ import annotations

import os
import select
import socket
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from mailproc.store.connection import NO_PARAMETERS, Dialect, Row
from mailproc.store.postgres.statement import LONGEST_KEPT, Statement, translate
from mailproc.store.postgres.values import Values, encode_all, is_larger, rows_of

MOST_PREPARED = 512
MOST_QUEUED = 200
_LARGE = 1 << 20  # octets of a value: libpq's buffers grow to hold it, and never shrink
_TIMES = 3  # so often a statement comes until it is worth preparing
_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


@dataclass(frozen=True, slots=True)
class _Call:
    """A statement with its parameters, as libpq takes it; ``prepared`` is its name at the server."""

    prepared: bytes | None
    text: bytes
    values: Values
    formats: list[Format]


class PostgresConnection:
    """psycopg's errors leave as they are.

    ``stirred`` says that others may have something to do; ``swollen`` that a large value went over it, whose
    memory only its end gives back.
    """

    dialect = Dialect.POSTGRESQL

    def __init__(self, raw: psycopg.Connection[Row]) -> None:
        self.raw = raw
        self.stirred = False
        self.swollen = False
        self._pg: PGconn = raw.pgconn
        self._pg.nonblocking = 1  # where several statements are sent together; one alone waits all the same
        self._seen: OrderedDict[str, int] = OrderedDict()  # how often, up to _TIMES
        self._prepared: OrderedDict[str, bytes] = OrderedDict()  # its name at the server
        self._names = 0
        self._queue: list[_Call] = []  # what nobody waits for

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
        rows = self.all(sql, parameters)
        return rows[0] if rows else None

    def all(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]:
        rows = rows_of(self._execute(sql, parameters))
        self.swollen = self.swollen or any(is_larger(_LARGE, row) for row in rows)
        return rows

    def run(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> int:
        return self._execute(sql, parameters).command_tuples or 0

    def insert(self, sql: str, parameters: Mapping[str, object]) -> int | None:
        row = self.one(f"{sql} RETURNING id", parameters)
        return row[0] if row else None

    def do(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> None:
        self._queue.append(self._call(sql, parameters))
        if len(self._queue) >= MOST_QUEUED:
            self.flush()

    def run_many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None:
        for row in rows:
            self.do(sql, row)

    # libpq

    def simple(self, text: str) -> PGresult:
        """Several statements without parameters in one round trip; the answer to the last."""
        self.flush()
        return _checked(self._pg.exec_(text.encode()))

    def rollback(self) -> None:
        """End the transaction; what was not sent is forgotten."""
        self._queue.clear()
        self.simple("ROLLBACK")

    def flush(self) -> None:
        """Send what nobody waits for."""
        if self._queue:
            self._send([])

    def _execute(self, sql: str, parameters: Mapping[str, object]) -> PGresult:
        call = self._call(sql, parameters)
        if self._queue:
            return self._send([call])
        if call.prepared is None:
            result = self._pg.exec_params(call.text, call.values, None, call.formats, Format.BINARY)
        else:
            result = self._pg.exec_prepared(call.prepared, call.values, call.formats, Format.BINARY)
        return _checked(result)

    def _call(self, sql: str, parameters: Mapping[str, object]) -> _Call:
        statement = translate(sql)
        self.stirred = self.stirred or statement.stirs
        values, formats = encode_all(parameters[name] for name in statement.names)
        self.swollen = self.swollen or is_larger(_LARGE, values)
        return _Call(self._name(sql, statement), statement.text, values, formats)

    def _send(self, calls: Sequence[_Call]) -> PGresult:
        """All that is queued and ``calls`` in one round trip (libpq's pipeline mode); the last answer.

        Where one fails, the server ignores those behind it, and its error is raised.
        """
        together = [*self._queue, *calls]
        self._queue.clear()
        self._pg.enter_pipeline_mode()
        try:
            for call in together:
                self._send_one(call)
            self._pg.pipeline_sync()
            self._push()
            results = self._answers()
        finally:
            if not self.is_lost:
                self._pg.exit_pipeline_mode()
        for result in results:
            _checked(result)
        return results[-1]

    def _send_one(self, call: _Call) -> None:
        if call.prepared is None:
            self._pg.send_query_params(call.text, call.values, None, call.formats, Format.BINARY)
        else:
            self._pg.send_query_prepared(call.prepared, call.values, call.formats, Format.BINARY)

    def _push(self) -> None:
        """Until everything is on its way; what comes back meanwhile is taken in, or both would wait."""
        while self._pg.flush():
            if self._wait(select.POLLIN | select.POLLOUT) & select.POLLIN:
                self._pg.consume_input()

    def _wait(self, events: int) -> int:
        """Without the interpreter's lock, which psycopg keeps where it waits for one answer of several."""
        poll = select.poll()
        poll.register(self._pg.socket, events)
        return poll.poll()[0][1]

    def _answers(self) -> list[PGresult]:
        """One for each that was sent, up to the mark of ``pipeline_sync``; a None stands between them."""
        results: list[PGresult] = []
        while True:
            while self._pg.is_busy():
                self._wait(select.POLLIN)
                self._pg.consume_input()
            result = self._pg.get_result()
            if result is None:
                if self.is_lost:
                    raise psycopg.OperationalError("the connection is lost")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return results
            else:
                results.append(result)

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
            _checked(self._pg.exec_(b"DEALLOCATE " + oldest))
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
