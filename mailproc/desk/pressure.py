"""How many clients wait for the reply to a mail, over all workers of this machine; and letting them go first.

Intake goes first: who hands mail over waits, and what is accepted can wait.  Workers share one page of
memory in which each writes its own count; the page is made before they are forked.
"""

from __future__ import annotations

import asyncio
import mmap
from collections.abc import Callable

MOST = 255  # one octet for each worker
PRESSING = 3  # clients that wait for a reply at the same time
STEP_BACK = 0.003  # seconds
MOST_STEPS_BACK = 10  # so that the chain never stands still
AT_ONCE = 0.0001  # seconds: an event loop that comes around as soon has nothing to do


class Pressure:
    """One worker's view of the page."""

    def __init__(self, page: mmap.mmap | None = None, slot: int = 0) -> None:
        self._page = page if page is not None else shared_page()
        self._slot = slot
        self._waiting = 0
        self._write()  # a worker that died may have left its count

    def __enter__(self) -> None:
        self._waiting += 1
        self._write()

    def __exit__(self, *_: object) -> None:
        self._waiting -= 1
        self._write()

    @property
    def total(self) -> int:
        return sum(self._page[:])

    def _write(self) -> None:
        self._page[self._slot] = min(self._waiting, MOST)


class StepBack:
    """Lets clients that wait go first, but for moments in which the event loop has nothing else to do.

    Under pressure one mail goes at a time, because each keeps the loop for as long as its chain takes.
    """

    def __init__(self, pressure: Pressure, monotonic: Callable[[], float]) -> None:
        self._pressure = pressure
        self._monotonic = monotonic
        self._first = asyncio.Lock()

    @property
    def clients_wait(self) -> bool:
        return self._pressure.total > 0

    async def wait(self) -> None:
        """Until nobody presses, this process idles, or it was waited long enough."""
        await asyncio.sleep(0)
        if self._pressure.total < PRESSING:
            return
        async with self._first:
            for _ in range(MOST_STEPS_BACK):
                await asyncio.sleep(STEP_BACK)
                if self._pressure.total < PRESSING or await self._is_idle():
                    return

    async def _is_idle(self) -> bool:
        begun = self._monotonic()
        for _ in range(2):  # what has come in by the first turn is worked on in the second
            await asyncio.sleep(0)
        return self._monotonic() - begun < AT_ONCE


def shared_page(workers: int = 1) -> mmap.mmap:
    """Memory that forked processes share."""
    return mmap.mmap(-1, workers)
