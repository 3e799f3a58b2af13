"""Counts beside the work: how long the 250 took, what was answered, where the store failed.

Each worker writes the row of the board that is its own; ``COLUMNS`` are the numbers in it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from mailproc.board import Row
from mailproc.listen.intake import Intake
from mailproc.model.address import Address
from mailproc.model.reply import Reply
from mailproc.store.protocol import Store, StoreError, Transaction

T = TypeVar("T")

# Upper bounds in seconds; Postfix waits for 600.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BUCKETS = tuple(f"within_{bound:g}" for bound in BOUNDS)
REPLIES = ("2xx", "4xx", "5xx")
LEVELS = ("warning", "error", "critical")
COLUMNS = (
    *BUCKETS,
    "intake_count",
    "intake_seconds",
    "intake_octets",
    *(f"replies_{kind}" for kind in REPLIES),
    *(f"log_{level}" for level in LEVELS),
    "store_errors",
    "connections",
    "imap_working",
    "imap_failing",
)


class MeasuredIntake:
    """An intake whose replies are counted and timed."""

    def __init__(self, intake: Intake, row: Row, clock: Callable[[], float] = time.monotonic) -> None:
        self._intake = intake
        self._row = row
        self._clock = clock

    def recipient(self, address: Address) -> Reply:
        return self._intake.recipient(address)

    async def accept(
        self, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> list[Reply]:
        began = self._clock()
        replies = await self._intake.accept(mail_from, recipients, raw)
        self._count(self._clock() - began, replies, len(raw))
        return replies

    def _count(self, seconds: float, replies: Sequence[Reply], octets: int) -> None:
        for bound, bucket in zip(BOUNDS, BUCKETS, strict=True):
            if seconds <= bound:
                self._row.add(bucket)
                break
        self._row.add("intake_count")
        self._row.add("intake_seconds", seconds)
        self._row.add("intake_octets", octets)
        for reply in replies:
            self._row.add(f"replies_{reply.code // 100}xx")


class MeasuredStore:
    """A store whose failures are counted."""

    def __init__(self, store: Store, row: Row) -> None:
        self._store = store
        self._row = row

    async def read(self, work: Callable[[Transaction], T]) -> T:
        try:
            return await self._store.read(work)
        except StoreError:
            self._row.add("store_errors")
            raise

    async def write(self, work: Callable[[Transaction], T]) -> T:
        try:
            return await self._store.write(work)
        except StoreError:
            self._row.add("store_errors")
            raise

    async def write_beside(self, work: Callable[[Transaction], T]) -> T:
        try:
            return await self._store.write_beside(work)
        except StoreError:
            self._row.add("store_errors")
            raise

    async def listen(self, wake: Callable[[], None]) -> None:
        await self._store.listen(wake)

    async def close(self) -> None:
        await self._store.close()


class CountLines(logging.Handler):
    """Counts what is logged as a warning or worse."""

    def __init__(self, row: Row) -> None:
        super().__init__(logging.WARNING)
        self._row = row

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        if level in LEVELS:
            self._row.add(f"log_{level}")
