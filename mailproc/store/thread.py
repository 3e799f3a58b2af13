"""A thread that owns one database connection and runs work in shared transactions (group commit)."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from mailproc.store.connection import Connection, StoreBusy, StoreError
from mailproc.store.transaction import Transaction

T = TypeVar("T")
Work = Callable[[Transaction], T]

MOST_AT_ONCE = 256  # pieces of work in one transaction: bounds how long a caller waits for the others


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


class StoreThread:
    """Runs work one batch after another; ``run`` returns when the batch is committed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._connection: Connection | None = None
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def run(self, work: Work[T]) -> T:
        """Run ``work`` in a transaction.  A cancelled caller does not stop it."""
        if self._closed:
            raise StoreBusy("the store is closed")
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="mailproc-store", daemon=True)
            self._thread.start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put(_Job(work, future))
        return await future

    async def close(self) -> None:
        """Finish what waits, then close the connection."""
        self._closed = True
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _serve(self) -> None:
        running = True
        while running:
            batch: list[_Job[Any]] = []
            job = self._jobs.get()
            while job is not None:
                batch.append(job)
                if len(batch) >= MOST_AT_ONCE or self._jobs.empty():
                    break
                job = self._jobs.get()
            running = job is not None
            if batch:
                self._run_batch(batch)
                self._settle(batch)
        self._session.close()

    def _run_batch(self, batch: Sequence[_Job[Any]]) -> None:
        """All of the batch in one transaction; when the database itself fails, each on its own."""
        if self._try(batch) or len(batch) == 1:
            return
        for job in batch:
            self._try([job])

    def _try(self, batch: Sequence[_Job[Any]]) -> bool:
        try:
            transaction = Transaction(self._connected())
            self._session.begin()
            for job in batch:
                self._run_job(job, transaction)
            self._session.commit()
        except BaseException as error:
            self._undo()
            failure = self._session.translate(error) or error
            for job in batch:
                job.result, job.error = None, failure
            return False
        return True

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

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._session.open()
        return self._connection

    def _undo(self) -> None:
        try:
            self._session.rollback()
        except Exception:
            # A connection that cannot even roll back is of no more use: the next work opens a new one.
            self._session.close()
            self._connection = None

    @staticmethod
    def _settle(batch: Sequence[_Job[Any]]) -> None:
        loops = {job.future.get_loop() for job in batch}
        for loop in loops:
            jobs = [job for job in batch if job.future.get_loop() is loop]
            if not loop.is_closed():
                loop.call_soon_threadsafe(_set_results, jobs)


def _set_results(jobs: Sequence[_Job[Any]]) -> None:
    for job in jobs:
        if job.future.done():  # the caller was cancelled
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
