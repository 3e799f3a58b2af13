"""Give new tickets their numbers, unique over all desks.

Desks with the same scheme share its count.  A number that another scheme has already given is passed over.
"""

from __future__ import annotations

import random

from mailproc.model import number
from mailproc.model.desk import Desk, NumberScheme
from mailproc.store.protocol import Transaction


def new_number(tx: Transaction, desk: Desk, now: float, rng: random.Random) -> str:
    """The next number by the desk's scheme."""
    numbers = Numbers(tx, rng)
    given = numbers.give(desk, now)
    numbers.write_down()
    return given


class Numbers:
    """Numbers for the tickets that one transaction opens, which ends with ``write_down``.

    The store is asked once for ``stretch`` numbers, not for each; what is not given is not counted.
    """

    def __init__(self, tx: Transaction, rng: random.Random, stretch: int = 1) -> None:
        self._tx = tx
        self._rng = rng
        self._stretch = stretch
        self._last: dict[str, int] = {}  # of each period
        self._free: dict[str, list[tuple[int, str]]] = {}  # of each period, the next one at the end

    def give(self, desk: Desk, now: float) -> str:
        """A number by the desk's scheme."""
        if desk.number is NumberScheme.RANDOM:
            return self._random()
        period = number.period(desk.number, now)
        if period not in self._last:
            self._last[period] = self._tx.threads.hold_sequence("", period)
        if not self._free.get(period):
            self._free[period] = self._stretch_of(period)
        self._last[period], given = self._free[period].pop()
        return given

    def write_down(self) -> None:
        """Count what was given."""
        for period, last in self._last.items():
            self._tx.threads.count_to("", period, last)

    def _random(self) -> str:
        while self._tx.threads.by_numbers([given := number.random_number(self._rng.random())]):
            pass
        return given

    def _stretch_of(self, period: str) -> list[tuple[int, str]]:
        """The next free numbers of a period with their counts, backwards; at least one."""
        first = self._last[period] + 1
        while True:
            counts = range(first, first + self._stretch)
            found = {number.numbered(period, count): count for count in counts}
            taken = {ticket.number for ticket in self._tx.threads.by_numbers(found)}
            if free := [(count, each) for each, count in found.items() if each not in taken]:
                return free[::-1]
            first += self._stretch
