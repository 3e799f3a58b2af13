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


class ServerClock:
    """The time of a server that several machines share, told by ours and how far that is off.

    ``ask`` may wait, and is run in a thread.
    """

    def __init__(self, own: Clock, ask: Callable[[], float]) -> None:
        self._own = own
        self._ask = ask
        self._ahead = 0.0

    def __call__(self) -> float:
        return self._own() + self._ahead

    async def adjust(self) -> None:
        """Ask the server; what that raises says that it could not be asked."""
        before = self._own()
        there = await asyncio.to_thread(self._ask)
        after = self._own()
        ahead = there - (before + after) / 2
        if abs(ahead - self._ahead) > WORTH_TELLING:
            log.warning("clock=%+.1f s: this machine's time is not the database's, which counts", -ahead)
        # Less is within what the question itself takes.
        self._ahead = ahead if abs(ahead) > after - before + SLIGHT else 0.0


def make_clock(environment: Mapping[str, str]) -> Clock:
    """What tells the time, in seconds since 1970 in UTC; OSError where there is no such file."""
    name = environment.get(VARIABLE)
    if not name:
        return time.time
    file = Path(name).absolute()
    file.stat()
    return lambda: file.stat().st_mtime
