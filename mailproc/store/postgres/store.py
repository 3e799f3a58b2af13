"""The ``Store`` on PostgreSQL.

Work that looks before it writes runs alone among all workers on all machines, as it does on SQLite, under a
lock that ends with its transaction.  Intake and claims write beside it (docs/adr/0010).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

import psycopg

from mailproc.store.job import Job, Work
from mailproc.store.postgres.lane import Lane
from mailproc.store.postgres.listening import listen
from mailproc.store.postgres.migrate import migrate, version
from mailproc.store.postgres.session import Server, store_error
from mailproc.store.postgres.threads import SNAPSHOT, LaneQueue, Readers
from mailproc.store.transaction import Transaction

T = TypeVar("T")

PATIENCE = 5.0  # seconds for a server that went away to come back
ANSWER_WITHIN = 30.0  # seconds, for one batch of work


class PostgresStore:
    """One process's view: a connection that writes alone, one that writes beside others, and readers."""

    def __init__(self, server: Server, *, patience: float, answer_within: float) -> None:
        self._server = server
        self._name = os.urandom(8).hex()

        def lane(*, alone: bool) -> LaneQueue:
            made = Lane(server, alone=alone, sender=self._name, patience=patience)
            return LaneQueue(made, answer_within=answer_within)

        self._alone, self._beside = lane(alone=True), lane(alone=False)
        self._readers = Readers(server, patience=patience, answer_within=answer_within)

    async def read(self, work: Work[T]) -> T:
        return await self._readers.run(work)

    async def write(self, work: Work[T]) -> T:
        return await self._alone.run(work)

    async def write_beside(self, work: Work[T]) -> T:
        return await self._beside.run(work)

    async def listen(self, wake: Callable[[], None]) -> None:
        await listen(self._server, self._name, wake)

    async def close(self) -> None:
        await asyncio.gather(self._alone.close(), self._beside.close(), self._readers.close())


def open_postgres(
    server: Server, *, patience: float = PATIENCE, answer_within: float = ANSWER_WITHIN
) -> PostgresStore:
    """Open the store, making or migrating its schema; raise StoreError when that is impossible."""
    try:
        with closing(server.connect()) as connection:
            migrate(connection)
    except psycopg.Error as error:
        raise store_error(error) from error
    return PostgresStore(server, patience=patience, answer_within=answer_within)


def existing_postgres(server: Server, *, answer_within: float = ANSWER_WITHIN) -> PostgresStore | None:
    """The store as it is; None where the database holds none."""
    try:
        with closing(server.connect()) as connection:
            found = version(connection)
    except psycopg.Error as error:
        raise store_error(error) from error
    return PostgresStore(server, patience=PATIENCE, answer_within=answer_within) if found else None


def probe(server: Server) -> str:
    """What is to be said of a database that can be used; StoreError where it cannot."""
    try:
        with closing(server.connect()) as connection:
            found = version(connection)
            may_lose = connection.one("SELECT current_setting('fsync')") == ("off",)
            where = f"{connection.raw.info.host}:{connection.raw.info.port}"
    except psycopg.Error as error:
        raise store_error(error) from error
    told = [f"schema {found}" if found else "its tables will be made"]
    told += [f"{where} is the primary"] if server.has_several_hosts else []
    told += ["fsync is off, so that a power cut may lose mail"] if may_lose else []
    return "; ".join(told)


def time_of(server: Server) -> float:
    """The server's clock, in seconds since 1970 in UTC."""
    now = "SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
    try:
        with closing(server.connect()) as connection:
            row = connection.one(now)
    except psycopg.Error as error:
        raise store_error(error) from error
    assert row is not None
    return float(row[0])


def read_once(server: Server, work: Work[T]) -> T:
    """Read in one transaction of its own without an event loop: also for a thread, and however long."""
    try:
        with closing(server.connect(by_index=False)) as connection:
            connection.simple(SNAPSHOT)
            return work(Transaction(connection))
    except psycopg.Error as error:
        raise store_error(error) from error


def write_once(server: Server, work: Work[T]) -> T:
    """Run one transaction without an event loop: for a process that has none."""
    lane = Lane(server, alone=True, sender="", patience=PATIENCE)
    job: Job[T] = Job(work)
    with closing(lane):
        lane.run([job])
    if job.error is not None:
        raise job.error
    return job.result  # type: ignore[return-value]
