"""Group commit: all work that waits shares one transaction and one fsync.

The work itself runs on the event loop: it is short, and a thread that runs Python beside a busy loop
waits longer for the interpreter's lock than it works (docs/adr/0001).  What may wait for the disk or for
another process, BEGIN and COMMIT, runs in a thread, and the loop goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from mailproc.store.connection import Connection, StoreBusy, StoreError
from mailproc.store.transaction import Transaction

T = TypeVar("T")
Work = Callable[[Transaction], T]

MOST_AT_ONCE = 64  # pieces of work in one transaction: bounds how long the loop is away


class Session(Protocol):
    """A connection with its transaction statements, in the dialect of one database."""

    def open(self) -> Connection: ...
    def begin(self) -> None: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def savepoint(self) -> None: ...
    def release(self) -> None: ...
    def rollback_to_savepoint(self) -> None: ...
    def translate(self, error: BaseException) -> StoreError | None: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Work[T]
    future: asyncio.Future[T]
    result: T | None = None
    error: BaseException | None = None


class GroupCommit:
    """Runs work one batch after another; ``run`` returns when the batch is on disk."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._connection: Connection | None = None
        self._waiting: list[_Job[Any]] = []
        self._pump: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "mailproc-store")
        self._closed = False

    async def run(self, work: Work[T]) -> T:
        """Run ``work`` in a transaction.  A cancelled caller does not stop it."""
        if self._closed:
            raise StoreBusy("the store is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Job(work, future))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run_waiting())
        return await future

    async def close(self) -> None:
        """Finish what waits, then close the connection."""
        self._closed = True
        if self._pump is not None:
            await self._pump
        self._session.close()
        self._thread.shutdown()

    async def _run_waiting(self) -> None:
        while self._waiting:
            batch = self._waiting[:MOST_AT_ONCE]
            del self._waiting[:MOST_AT_ONCE]
            await self._run_batch(batch)
            _settle(batch)

    async def _run_batch(self, batch: Sequence[_Job[Any]]) -> None:
        """All of the batch in one transaction; when the database itself fails, each on its own."""
        if await self._try(batch) or len(batch) == 1:
            return
        for job in batch:
            await self._try([job])

    async def _try(self, batch: Sequence[_Job[Any]]) -> bool:
        loop = asyncio.get_running_loop()
        try:
            transaction = Transaction(await loop.run_in_executor(self._thread, self._begin))
            for job in batch:
                self._run_job(job, transaction)
            await loop.run_in_executor(self._thread, self._session.commit)
        except BaseException as error:
            self._undo()
            failure = self._session.translate(error) or error
            for job in batch:
                job.result, job.error = None, failure
            return False
        return True

    def _begin(self) -> Connection:
        if self._connection is None:
            self._connection = self._session.open()
        self._session.begin()
        return self._connection

    def _run_job(self, job: _Job[Any], transaction: Transaction) -> None:
        job.error = None
        self._session.savepoint()
        try:
            job.result = job.work(transaction)
        except Exception as error:
            if self._session.translate(error) is not None:
                raise
            self._session.rollback_to_savepoint()
            job.error = error
        else:
            self._session.release()

    def _undo(self) -> None:
        try:
            self._session.rollback()
        except Exception:
            # A connection that cannot even roll back is of no more use: the next work opens a new one.
            self._session.close()
            self._connection = None


def _settle(batch: Sequence[_Job[Any]]) -> None:
    for job in batch:
        if job.future.done():  # the caller was cancelled
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
