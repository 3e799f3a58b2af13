"""Numbers that the workers of one daemon share: a page of memory with one row for each worker.

Each worker writes its own row and everybody reads all; made before the workers are forked.  A row outlives
its worker: who is started anew in its place goes on counting.  A number is a C double in one aligned word,
so that no reader sees half of one.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable, Sequence

PULSE = "pulse"  # when a worker's event loop last turned, in seconds of the monotonic clock
_OCTETS = 8


class Board:
    """``rows`` workers with a number for each name of ``columns``; all of them zero."""

    def __init__(self, rows: int, columns: Sequence[str] = ()) -> None:
        self._columns = {name: place for place, name in enumerate((PULSE, *columns))}
        self._rows = rows
        self._numbers = memoryview(mmap.mmap(-1, rows * len(self._columns) * _OCTETS)).cast("d")

    def row(self, number: int) -> Row:
        """One worker's own row."""
        first = number * len(self._columns)
        return Row(self._numbers[first : first + len(self._columns)], self._columns)

    def total(self, column: str) -> float:
        """The sum over all workers."""
        return sum(self._numbers[self._columns[column] :: len(self._columns)])

    def oldest_pulse(self) -> float:
        """Seconds since the loop turned of the worker that was not heard of for the longest time."""
        return time.monotonic() - min(self._numbers[:: len(self._columns)])


class Row:
    """What one worker writes."""

    def __init__(self, numbers: memoryview[float], columns: dict[str, int]) -> None:
        self._numbers = numbers
        self._columns = columns

    def add(self, column: str, amount: float = 1.0) -> None:
        self._numbers[self._columns[column]] += amount

    def put(self, column: str, amount: float) -> None:
        self._numbers[self._columns[column]] = amount

    def beat(self, clock: Callable[[], float] = time.monotonic) -> None:
        """The loop turns."""
        self.put(PULSE, clock())
