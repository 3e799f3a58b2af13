"""The time of day: the machine's, or for tests and simulations that of a file.

``MAILPROC_CLOCK=FILE`` makes it the time at which FILE was last changed.  Such a clock stands still until
``touch -d`` moves the file's time, forwards or back; all processes that have the variable see it at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

VARIABLE = "MAILPROC_CLOCK"

Clock = Callable[[], float]


def make_clock(environment: Mapping[str, str]) -> Clock:
    """What tells the time, in seconds since 1970 in UTC; OSError where there is no such file."""
    name = environment.get(VARIABLE)
    if not name:
        return time.time
    file = Path(name).absolute()
    file.stat()
    return lambda: file.stat().st_mtime
