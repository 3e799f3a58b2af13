"""Threads for drivers that block: a few at once, and none that anybody must wait for.

A thread that hangs keeps its place until its driver gives up; the event loop goes on, and so does the end of
the process.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """Runs jobs, ``most`` at the same time; who asks for more waits."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._free = asyncio.Semaphore(most)

    async def run(self, job: Callable[[], T]) -> T:
        """What the job returns or raises.  Cancelling leaves the thread to itself."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            outcome: Future[T] = Future()
            try:
                outcome.set_result(job())
            except BaseException as error:
                outcome.set_exception(error)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._settle, future, outcome)

        threading.Thread(target=work, name=self._name, daemon=True).start()
        return await future

    def _settle(self, future: asyncio.Future[T], outcome: Future[T]) -> None:
        self._free.release()
        if future.done():
            return
        error = outcome.exception()
        if error is None:
            future.set_result(outcome.result())
        else:
            future.set_exception(error)
