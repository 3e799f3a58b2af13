"""Work on PostgreSQL beside the event loop, which must not stand still for a network.

Writing goes through lanes, one thread each: what comes in while a batch is under way waits and is the next
batch.  Reading goes through a few connections, a thread each, and sees one moment of the store.  Whatever
takes longer than the server is given is cut off, so that a server that hangs costs an error, not a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import psycopg

from mailproc.store.connection import StoreBusy, StoreError
from mailproc.store.job import JobQueue, Work, settle
from mailproc.store.postgres.connection import PostgresConnection
from mailproc.store.postgres.lane import Lane
from mailproc.store.postgres.patience import Patience
from mailproc.store.postgres.session import Server, store_error
from mailproc.store.transaction import Transaction

T = TypeVar("T")

MOST_AT_ONCE = 64  # pieces of work in one transaction
READERS = 2
SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


async def _within(seconds: float, future: asyncio.Future[T], cut: Callable[[], None]) -> T:
    """What comes of it; whenever the time is over, what it waits for is cut off."""
    while not (await asyncio.wait({future}, timeout=seconds))[0]:
        cut()
    return future.result()


class LaneQueue:
    """Runs work on a lane one batch after another; ``run`` returns when the batch is committed."""

    def __init__(self, lane: Lane, *, answer_within: float) -> None:
        self._lane = lane
        self._answer_within = answer_within
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mailproc-store")
        self._queue = JobQueue(self._run_waiting)

    async def run(self, work: Work[T]) -> T:
        """Run ``work`` in a transaction.  A cancelled caller does not stop it."""
        return await self._queue.run(work)

    async def close(self) -> None:
        """Finish what waits, then close the connection."""
        self._queue.close()
        self._lane.end()
        await self._queue.join()
        self._lane.close()
        self._thread.shutdown()

    async def _run_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            batch = self._queue.take(MOST_AT_ONCE)
            done = loop.run_in_executor(self._thread, self._lane.run, batch)
            await _within(self._answer_within, done, self._lane.cut)
            settle(batch)


class Reader:
    """A connection that reads, for one thread at a time."""

    def __init__(self, server: Server, *, patience: float) -> None:
        self._server = server
        self._patience = Patience(patience)
        self._connection: PostgresConnection | None = None

    def run(self, work: Work[T]) -> T:
        """Run ``work`` on one moment of the store; a connection that was lost meanwhile is made anew."""
        failure: StoreError = StoreBusy("PostgreSQL is away")
        for _ in self._patience.tries():
            try:
                return self._once(work)
            except psycopg.Error as error:
                failure = store_error(error)
                if self._connection is not None or not isinstance(failure, StoreBusy):
                    break  # it was heard, and refused
        raise failure

    def _once(self, work: Work[T]) -> T:
        connection = self._connected()
        try:
            connection.simple(SNAPSHOT)
            return work(Transaction(connection))
        finally:
            with suppress(psycopg.Error):
                connection.simple("ROLLBACK")
            if connection.is_lost or connection.swollen:
                self.close()

    def _connected(self) -> PostgresConnection:
        if self._connection is None:
            self._patience.is_away = True
            self._connection = self._server.connect()
            self._patience.is_away = False
        return self._connection

    def end(self) -> None:
        """Wait for the server no longer."""
        self._patience.end()

    def cut(self) -> None:
        if (connection := self._connection) is not None:
            connection.cut()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Readers:
    """Several at once read; who comes when all are busy waits."""

    def __init__(self, server: Server, *, patience: float, answer_within: float) -> None:
        self._answer_within = answer_within
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="mailproc-read")
        self._readers = tuple(Reader(server, patience=patience) for _ in range(READERS))
        self._idle = list(self._readers)
        self._places = asyncio.Semaphore(READERS)
        self._closed = False

    async def run(self, work: Work[T]) -> T:
        if self._closed:
            raise StoreBusy("the store is closed")
        await self._places.acquire()
        reader = self._idle.pop()
        done = asyncio.get_running_loop().run_in_executor(self._threads, reader.run, work)
        done.add_done_callback(lambda read: self._give_back(reader, read))
        return await _within(self._answer_within, done, reader.cut)

    def _give_back(self, reader: Reader, read: asyncio.Future[Any]) -> None:
        if not read.cancelled():
            read.exception()  # a caller who has gone will not ask for it, and asyncio would complain
        self._idle.append(reader)
        self._places.release()

    async def close(self) -> None:
        """Wait for who reads, then close the connections."""
        if self._closed:
            return
        self._closed = True
        for reader in self._readers:
            reader.end()
        for _ in self._readers:
            await self._places.acquire()
        for reader in self._readers:
            reader.close()
        self._threads.shutdown()
