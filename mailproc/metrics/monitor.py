"""``/metrics`` and ``/healthz`` of one worker, which speaks for all workers of its daemon."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from mailproc.board import Board
from mailproc.metrics.exposition import CONTENT_TYPE, render
from mailproc.metrics.figures import Stored, page
from mailproc.metrics.http import Answer
from mailproc.store.protocol import Store, StoreError

log = logging.getLogger("mailproc.metrics")

SILENCE = 10.0  # seconds without a sign of life of a worker that is not well
PATIENCE = 5.0  # seconds in which the store must take a write
SHARE = 10  # counting takes at most every tenth second


class Monitor:
    """``look`` counts in the store and may take long: it runs in a thread.

    ``holder`` is this worker's name for a lease.
    """

    def __init__(
        self,
        store: Store,
        board: Board,
        *,
        workers: int,
        look: Callable[[], Stored],
        holder: str,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._board = board
        self._workers = workers
        self._look = look
        self._holder = holder
        self._clock = clock
        self._turn = asyncio.Lock()
        self._stored: Stored | None = None
        self._good_until = 0.0

    async def metrics(self) -> Answer:
        """The page for Prometheus; 503 where the store cannot be read."""
        try:
            stored = await self._counted()
        except StoreError as error:
            return Answer(503, f"store: {error}\n")
        return Answer(200, render(page(stored, self._board, self._workers)), CONTENT_TYPE)

    async def _counted(self) -> Stored:
        """As it was a moment ago, where counting takes long: who asks often must not slow mail down."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            began = loop.time()
            if self._stored is None or began >= self._good_until:
                self._stored = await asyncio.to_thread(self._look)
                took = loop.time() - began
                self._good_until = loop.time() + SHARE * took
            return self._stored

    async def health(self, is_serving: bool) -> Answer:
        """200 where mail is taken: the store can be written, sockets are served, workers are alive."""
        silent = self._board.oldest_pulse() > SILENCE
        asked = (
            await self._store_trouble(),
            "" if is_serving else "listeners: not all are served",
            "workers: one was not heard of" if silent else "",
        )
        troubles = "".join(f"{trouble}\n" for trouble in asked if trouble)
        return Answer(503, troubles) if troubles else Answer(200, "ok\n")

    async def _store_trouble(self) -> str:
        """What a real write says: a lease that has expired already."""
        now = self._clock()
        name = f"healthz/{self._holder}"
        try:
            async with asyncio.timeout(PATIENCE):
                await self._store.write(lambda tx: tx.leases.acquire(name, self._holder, now, now))
        except TimeoutError:
            return "store: no write within the time"
        except StoreError as error:
            log.debug("healthz store=%s", error)
            return "store: cannot be written, the log says why"
        return ""
