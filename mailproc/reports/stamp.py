"""By which business time a ticket's summary was counted, so that one of another time is not believed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping

from mailproc.model.calendar import Calendar

EDITION = 2  # of what a summary says; raised with every change of that
_LENGTH = 16  # hexadecimal digits


class Stamps:
    """Makes and reads stamps: edition, the years (UTC) of a ticket, and a digest of all openings in them."""

    def __init__(self, calendars: Mapping[str, Calendar]) -> None:
        """Calendars by desk."""
        self.calendars = calendars
        self._made: dict[tuple[str, int, int], str] = {}
        self._known: dict[tuple[str, str], bool] = {}

    def stamp(self, desk: str, first: float, last: float) -> str:
        """For a ticket of this desk, with its earliest and latest moment."""
        return self._of_years(desk, _year(first), _year(last))

    def is_current(self, desk: str, stamp: str) -> bool:
        """Whether the desk's business time is what it was when this stamp was made."""
        key = (desk, stamp)
        if key not in self._known:
            _, first, last, _ = stamp.split()
            self._known[key] = stamp == self._of_years(desk, int(first), int(last))
        return self._known[key]

    def of_all(self, now: float) -> str:
        """A digest of every desk's, as far as most tickets go back: this year's and the last one's."""
        year = _year(now)
        each = [f"{desk} {self._of_years(desk, year - 1, year)}" for desk in sorted(self.calendars)]
        return _digest("\n".join(each))

    def _of_years(self, desk: str, first: int, last: int) -> str:
        key = (desk, first, last)
        if key not in self._made:
            openings = [self.calendars[desk].openings(year) for year in range(first, last + 1)]
            self._made[key] = f"{EDITION} {first} {last} {_digest(repr(openings))}"
        return self._made[key]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def _year(moment: float) -> int:
    return time.gmtime(moment).tm_year
