"""How many clients wait for the reply to a mail, over all workers of this machine; and letting them go first.

Intake goes first: who hands mail over waits, and what is accepted can wait.  Workers share one page of
memory in which each writes its own count, and when it last changed; the page is made before they are forked.
"""

from __future__ import annotations

import asyncio
import mmap
from collections.abc import Callable

MOST = 255  # one octet for each worker
STEP_BACK = 0.003  # seconds
MOST_STEPS_BACK = 30  # so that the chain never stands still
AT_ONCE = 0.0001  # seconds: an event loop that comes around as soon has nothing to do
EBBING = 0.1  # seconds after the last client in which the next one is expected

_TIME = 8  # octets


class Pressure:
    """One worker's view of the page."""

    def __init__(self, monotonic: Callable[[], float], page: mmap.mmap | None = None, slot: int = 0) -> None:
        shared = memoryview(page if page is not None else shared_page())
        workers = len(shared) // (_TIME + 1)
        self._changes, self._counts = shared[: _TIME * workers].cast("d"), shared[_TIME * workers :]
        self._monotonic = monotonic
        self._slot = slot
        self._waiting = self._counts[slot] = 0  # a worker that died may have left its count

    def __enter__(self) -> None:
        self._waiting += 1
        self._write()

    def __exit__(self, *_: object) -> None:
        self._waiting -= 1
        self._write()

    @property
    def total(self) -> int:
        """How many wait now."""
        return sum(self._counts)

    @property
    def is_flowing(self) -> bool:
        """Whether clients wait, or did a moment ago, so that more are to be expected."""
        return self.total > 0 or self._monotonic() - max(self._changes) < EBBING

    def _write(self) -> None:
        self._counts[self._slot] = min(self._waiting, MOST)
        self._changes[self._slot] = self._monotonic()


class StepBack:
    """Lets clients that wait go first, but for moments in which the event loop has nothing else to do.

    Under pressure one mail goes at a time, because each keeps the loop for as long as its chain takes.
    """

    def __init__(self, pressure: Pressure, monotonic: Callable[[], float]) -> None:
        self._pressure = pressure
        self._monotonic = monotonic
        self._first = asyncio.Lock()

    @property
    def clients_come(self) -> bool:
        return self._pressure.is_flowing

    async def between_stages(self) -> None:
        """While mail flows: one turn of the event loop for those who bring it."""
        if self._pressure.is_flowing:
            await asyncio.sleep(0)

    async def wait(self) -> None:
        """While mail flows: until nobody waits, this process idles, or it was waited long enough.

        Who waits comes and goes with each commit; the chain must not begin in every gap between two.
        """
        await asyncio.sleep(0)
        if not self._pressure.is_flowing:
            return
        async with self._first:
            for _ in range(MOST_STEPS_BACK):
                await asyncio.sleep(STEP_BACK)
                if not self._pressure.total or await self._is_idle():
                    return

    async def _is_idle(self) -> bool:
        begun = self._monotonic()
        for _ in range(2):  # what has come in by the first turn is worked on in the second
            await asyncio.sleep(0)
        return self._monotonic() - begun < AT_ONCE


def shared_page(workers: int = 1) -> mmap.mmap:
    """Memory that forked processes share: a time for each, then a count for each."""
    return mmap.mmap(-1, workers * (_TIME + 1))
