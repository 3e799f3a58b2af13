"""The time of day: the machine's, or for tests and simulations that of a file.

``MAILPROC_CLOCK=FILE`` makes it the time at which FILE was last changed.  Such a clock stands still until
``touch -d`` moves the file's time, forwards or back; all processes that have the variable see it at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

log = logging.getLogger("mailproc.clock")

VARIABLE = "MAILPROC_CLOCK"
WORTH_TELLING = 2.0  # seconds
SLIGHT = 0.1

Clock = Callable[[], float]


def steady() -> float:
    """Seconds that have passed, also while the machine slept, whatever its clock is put to."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class ServerClock:
    """The time of a server that several machines share, told by what has passed since it was asked.

    A machine whose clock is put on or back would else take others' leases for over, or its own for held,
    until it asks again.  ``ask`` may wait, and is run in a thread.
    """

    def __init__(self, own: Clock, ask: Callable[[], float], passed: Clock = steady) -> None:
        self._own = own
        self._ask = ask
        self._passed = passed
        self._began = own() - passed()  # when ``passed`` was 0
        self._told = 0.0  # how far off our clock is

    def __call__(self) -> float:
        return self._began + self._passed()

    async def adjust(self) -> None:
        """Ask the server; what that raises says that it could not be asked."""
        before = self._passed()
        there = await asyncio.to_thread(self._ask)
        after = self._passed()
        began, ours = there - (before + after) / 2, self._own() - after
        off = ours - began
        if abs(off - self._told) > WORTH_TELLING:
            log.warning("clock=%+.1f s: this machine's time is not the database's, which counts", off)
            self._told = off
        # Less is within what the question itself takes.
        self._began = began if abs(off) > after - before + SLIGHT else ours


def make_clock(environment: Mapping[str, str]) -> Clock:
    """What tells the time, in seconds since 1970 in UTC; OSError where there is no such file."""
    name = environment.get(VARIABLE)
    if not name:
        return time.time
    file = Path(name).absolute()
    file.stat()
    return lambda: file.stat().st_mtime
