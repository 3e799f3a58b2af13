"""A thread that does one thing after the other, for code that blocks.

Not an executor of the standard library: those are waited for at exit, and a thread that hangs in the
resolver would keep the daemon from ending.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
_Job = tuple[Callable[[], Any], "Future[Any]"]


class Lane:
    """Runs jobs in the order in which they were given, until ``end``; does not hinder the process' end."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """What the job returns or raises, later."""
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return future

    def end(self) -> None:
        """The thread ends after the jobs that it was given."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, future = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = job()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            del item, job, future  # keep nothing alive while waiting
