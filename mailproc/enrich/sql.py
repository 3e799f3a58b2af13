"""A database as a source, by its SQLAlchemy URL.

The query is the configuration's, its values are bound by the driver, and each question is a transaction of
its own that is read-only and rolled back.  What each kind of database needs for that, and to keep its time,
stands in one table below; others are asked as well, with nothing but the rollback.  Drivers block, so they
work in threads; a question that takes too long has its connection cut off.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from os import dup
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mailproc.enrich.source import Record, SourceAway
from mailproc.enrich.threads import Threads
from mailproc.enrich.values import clean

AT_ONCE = 4  # questions, each with a connection

_RETRIES = 1  # where a connection that was kept proves to be dead


@dataclass(frozen=True, slots=True)
class _Habits:
    """What one kind of database needs.  Statements may name {ms}, {seconds} and {rows}."""

    driver: str = ""  # where the URL names none
    package: str = ""  # that holds it
    connect: Callable[[float], dict[str, object]] = lambda timeout: {}  # arguments for the driver
    session: tuple[str, ...] = ()  # said once on each connection
    transaction: tuple[str, ...] = ()  # said before each query
    is_streamed: bool = False  # rows come one by one
    attributes: Callable[[float], dict[str, object]] = lambda timeout: {}  # set on each connection


def _seconds(timeout: float) -> int:
    return math.ceil(timeout)


_MYSQL_SESSION = (
    "SET SESSION TRANSACTION READ ONLY",
    "SET SESSION sql_select_limit = {rows}",
)


def _mysql(timeout: float) -> dict[str, object]:
    return {
        "connect_timeout": _seconds(timeout),
        "read_timeout": _seconds(timeout),
        "write_timeout": _seconds(timeout),
    }


_HABITS = {
    "postgresql": _Habits(
        driver="psycopg",
        package="psycopg",
        connect=lambda timeout: {"connect_timeout": max(2, _seconds(timeout))},  # libpq takes 1 for 2
        transaction=("SET TRANSACTION READ ONLY", "SET LOCAL statement_timeout = {ms}"),
        is_streamed=True,
    ),
    "mysql": _Habits(
        driver="pymysql",
        package="pymysql",
        connect=_mysql,
        session=(*_MYSQL_SESSION, "SET SESSION max_execution_time = {ms}"),
    ),
    "mariadb": _Habits(
        driver="pymysql",
        package="pymysql",
        connect=_mysql,
        session=(*_MYSQL_SESSION, "SET SESSION max_statement_time = {seconds}"),
    ),
    "sqlite": _Habits(
        connect=lambda timeout: {"timeout": timeout, "check_same_thread": False},
        session=("PRAGMA query_only = ON",),
    ),
    "oracle": _Habits(
        driver="oracledb",
        package="oracledb",
        connect=lambda timeout: {"tcp_connect_timeout": timeout},
        transaction=("SET TRANSACTION READ ONLY",),
        attributes=lambda timeout: {"call_timeout": int(timeout * 1000)},
    ),
    "mssql": _Habits(
        driver="pymssql",
        package="pymssql",
        connect=lambda timeout: {"login_timeout": _seconds(timeout), "timeout": _seconds(timeout)},
        session=("SET ROWCOUNT {rows}", "SET LOCK_TIMEOUT {ms}"),
    ),
}


@dataclass(slots=True)
class _Question:
    """One question on its way; ``connection`` is the driver's own, once there is one."""

    values: Mapping[str, str]
    is_given_up: bool = False
    connection: Any = field(default=None)


class SqlSource:
    """Connects when it is asked first.  ValueError for a URL or a query that is none."""

    def __init__(
        self,
        url: str,
        password: str,
        query: str,
        wanted: Mapping[str, str],
        *,
        folder: Path,
        rows: int,
        timeout: float,
    ) -> None:
        sqlalchemy = _sqlalchemy()
        self._statement = sqlalchemy.text(query)
        self._wanted = dict(wanted)
        self._rows = rows
        self._timeout = timeout
        address = _address(url, password, folder)
        self._habits = _HABITS.get(address.get_backend_name(), _Habits())
        self._engine = self._open(address)
        self._threads = Threads(f"enrich-{address.get_backend_name()}", AT_ONCE)

    async def ask(self, values: Mapping[str, str]) -> list[Record]:
        question = _Question(values)
        try:
            return await self._threads.run(lambda: self._answer(question))
        except asyncio.CancelledError:
            question.is_given_up = True
            _cut_off(question.connection)
            raise

    async def close(self) -> None:
        self._engine.dispose()

    def _open(self, address: Any) -> Any:
        sqlalchemy = _sqlalchemy()
        try:
            engine = sqlalchemy.create_engine(
                address,
                connect_args=self._habits.connect(self._timeout),
                pool_size=AT_ONCE,
                max_overflow=0,
                pool_timeout=self._timeout,
                hide_parameters=True,
                poolclass=sqlalchemy.pool.QueuePool,
            )
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise ValueError(f"url: {_reason(error)}") from None
        sqlalchemy.event.listen(engine, "connect", self._greet)
        return engine

    def _greet(self, connection: Any, record: object) -> None:
        for name, value in self._habits.attributes(self._timeout).items():
            setattr(connection, name, value)
        cursor = connection.cursor()
        for statement in self._habits.session:
            cursor.execute(self._filled_in(statement))
        cursor.close()

    def _filled_in(self, statement: str) -> str:
        return statement.format(ms=int(self._timeout * 1000), seconds=self._timeout, rows=self._rows)

    # In a thread

    def _answer(self, question: _Question) -> list[Record]:
        """Ask; once more where the connection was lost while nobody used it."""
        exceptions = _sqlalchemy().exc
        for attempt in range(_RETRIES + 1):
            try:
                return self._ask(question)
            except exceptions.DBAPIError as error:
                again = error.connection_invalidated and attempt < _RETRIES and not question.is_given_up
                if not again:
                    raise SourceAway(_reason(error.orig or error)) from None
            except (exceptions.SQLAlchemyError, OSError) as error:
                raise SourceAway(_reason(error)) from None
            except Exception as error:  # a driver may raise anything for what a server sends
                raise SourceAway(f"{type(error).__name__}: {_reason(error)}") from None
        raise AssertionError("the last attempt returns or raises")

    def _ask(self, question: _Question) -> list[Record]:
        with self._engine.connect() as connection:
            question.connection = connection.connection.dbapi_connection
            try:
                for statement in self._habits.transaction:
                    connection.exec_driver_sql(self._filled_in(statement))
                if self._habits.is_streamed:
                    connection.execution_options(stream_results=True, max_row_buffer=self._rows)
                result = connection.execute(self._statement, dict(question.values))
                rows = [dict(row) for row in result.mappings().fetchmany(self._rows)]
                result.close()
                connection.rollback()
            finally:
                question.connection = None
                if question.is_given_up:
                    connection.invalidate()
        return [self._record(row) for row in rows]

    def _record(self, row: Mapping[str, object]) -> Record:
        columns = {str(name).casefold(): value for name, value in row.items()}
        missing = [column for column in self._wanted.values() if column.casefold() not in columns]
        if missing:
            raise SourceAway(f"the answer has no column {missing[0]}")
        return {name: clean(columns[column.casefold()]) for name, column in self._wanted.items()}


def _sqlalchemy() -> Any:
    """The library, loaded when a database is configured; ValueError where it is not installed."""
    try:
        import sqlalchemy
        import sqlalchemy.event
        import sqlalchemy.exc
        import sqlalchemy.pool
    except ImportError:
        raise ValueError("url: SQL databases need SQLAlchemy: pip install mailproc[enrich]") from None
    return sqlalchemy


def _address(url: str, password: str, folder: Path) -> Any:
    """The URL with its password, its driver, and for a file of SQLite its place, read-only."""
    sqlalchemy = _sqlalchemy()
    try:
        address = sqlalchemy.engine.make_url(url)
        address.get_dialect()
    except (sqlalchemy.exc.SQLAlchemyError, ValueError) as error:
        raise ValueError(f"url: {_reason(error)}") from None
    habits = _HABITS.get(address.drivername)
    if habits and habits.driver:
        if find_spec(habits.package) is None:
            raise ValueError(f"url: {address.drivername} needs the package {habits.package}")
        address = address.set(drivername=f"{address.drivername}+{habits.driver}")
    if password:
        address = address.set(password=password)
    if address.get_backend_name() == "sqlite" and address.database and not address.query:
        file = quote(str(folder / address.database))
        address = address.set(database=f"file:{file}", query={"mode": "ro", "uri": "true"})
    return address


def _cut_off(connection: Any) -> None:
    """Make the thread return that waits on this connection."""
    if connection is None:
        return
    with suppress(Exception):  # each driver has its own way, and none matters any more
        if hasattr(connection, "interrupt"):
            connection.interrupt()  # SQLite
        elif hasattr(connection, "fileno"):
            with socket.socket(fileno=dup(connection.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)


def _reason(error: BaseException) -> str:
    """The beginning of what the driver says: Oracle's tells the cause in its second line."""
    return " ".join(" ".join(str(error).split("\n")[:2]).split())[:300] or type(error).__name__
