"""A piece of work that waits for its transaction, what came of it, and those that wait on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mailproc.store.connection import StoreBusy
from mailproc.store.transaction import Transaction

T = TypeVar("T")
Work = Callable[[Transaction], T]


@dataclass(slots=True)
class Job(Generic[T]):
    """``result`` counts where ``error`` is None, once its transaction has ended."""

    work: Work[T]
    future: asyncio.Future[T] | None = None  # of who waits on an event loop
    result: T | None = None
    error: BaseException | None = None


def fail(jobs: Sequence[Job[Any]], failure: BaseException) -> None:
    """None of them was done."""
    for job in jobs:
        job.result, job.error = None, failure


def settle(jobs: Sequence[Job[Any]]) -> None:
    """Tell who waits; on the event loop."""
    for job in jobs:
        if job.future is None or job.future.done():  # the caller was cancelled
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)


class JobQueue:
    """Work that waits; ``serve`` is begun when there is some, and takes it until there is none."""

    def __init__(self, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._serve = serve
        self._waiting: list[Job[Any]] = []
        self._serving: asyncio.Task[None] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, most: int) -> list[Job[Any]]:
        """The first of them, which wait no longer."""
        taken = self._waiting[:most]
        del self._waiting[:most]
        return taken

    async def run(self, work: Work[T]) -> T:
        """Wait until ``work`` is done.  A cancelled caller does not stop it."""
        if self._closed:
            raise StoreBusy("the store is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(Job(work, future))
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        return await future

    def close(self) -> None:
        """Take no more."""
        self._closed = True

    async def join(self) -> None:
        """Wait until all that waits is done."""
        if self._serving is not None:
            await self._serving
