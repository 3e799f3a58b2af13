"""A piece of work that waits for its transaction, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

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
