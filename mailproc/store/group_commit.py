"""Group commit: all work that waits shares one transaction and one fsync.

Everything runs on the event loop, COMMIT and its fsync too: a thread beside a busy loop waits longer for the
interpreter's lock than the disk takes, and all the while other processes wait for ours (docs/adr/0001).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from mailproc.store.connection import Connection, StoreBusy, StoreError
from mailproc.store.job import Job, JobQueue, Work, fail, settle
from mailproc.store.transaction import Transaction
from mailproc.store.turnstile import Turnstile

T = TypeVar("T")

LOOK_AGAIN = 0.001  # seconds between two tries to get the write lock; uvloop takes half of it for nothing
MOST_AT_ONCE = 64  # pieces of work in one transaction: bounds how long the loop is away


class Session(Protocol):
    """A connection with its transaction statements, in the dialect of one database."""

    def open(self) -> Connection: ...
    def try_begin(self) -> bool:
        """Begin a transaction; False where another process holds the write lock."""
        ...

    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def savepoint(self) -> None: ...
    def release(self) -> None: ...
    def rollback_to_savepoint(self) -> None: ...
    def translate(self, error: BaseException) -> StoreError | None: ...
    def close(self) -> None: ...


class GroupCommit:
    """Runs work one batch after another; ``run`` returns when the batch is on disk.

    Another process may hold the write lock for ``busy_seconds``; then what waits fails with StoreBusy.
    Processes that share a ``turnstile`` wait there for each other.
    """

    def __init__(self, session: Session, *, busy_seconds: float, turnstile: Turnstile | None = None) -> None:
        self._session = session
        self._busy_seconds = busy_seconds
        self._turnstile = turnstile
        self._connection: Connection | None = None
        self._queue = JobQueue(self._run_waiting)

    async def run(self, work: Work[T]) -> T:
        """Run ``work`` in a transaction.  A cancelled caller does not stop it."""
        return await self._queue.run(work)

    async def close(self) -> None:
        """Finish what waits, then close the connection."""
        self._queue.close()
        await self._queue.join()
        self._session.close()

    async def _run_waiting(self) -> None:
        while self._queue:
            failure = await self._begin()
            batch = self._queue.take(len(self._queue) if failure else MOST_AT_ONCE)
            if failure is not None:
                fail(batch, failure)
            elif not self._try(batch) and len(batch) > 1:
                await self._run_each(batch)
            settle(batch)
            await asyncio.sleep(0)  # others have their turn

    async def _run_each(self, batch: Sequence[Job[Any]]) -> None:
        """When the database itself fails, one piece of work must not take the others with it."""
        for job in batch:
            failure = await self._begin()
            if failure is not None:
                fail([job], failure)
            else:
                self._try([job])

    async def _begin(self) -> BaseException | None:
        """Begin a transaction, or say why there is none.  What comes in while this waits shares it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._busy_seconds
        try:
            if self._connection is None:
                self._connection = self._session.open()
            while True:
                is_turn = self._turnstile is None or await self._turnstile.enter()
                if self._session.try_begin():
                    return None
                if loop.time() >= deadline:
                    self._leave()
                    return StoreBusy("another process holds the write lock")
                if is_turn:
                    await asyncio.sleep(LOOK_AGAIN)
        except Exception as error:
            self._undo()
            self._leave()
            return self._session.translate(error) or error

    def _try(self, batch: Sequence[Job[Any]]) -> bool:
        assert self._connection is not None
        transaction = Transaction(self._connection)
        try:
            for job in batch:
                self._run_job(job, transaction)
            self._session.commit()
        except BaseException as error:
            self._undo()
            fail(batch, self._session.translate(error) or error)
            return False
        finally:
            self._leave()
        return True

    def _leave(self) -> None:
        if self._turnstile is not None:
            self._turnstile.leave()

    def _run_job(self, job: Job[Any], transaction: Transaction) -> None:
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
