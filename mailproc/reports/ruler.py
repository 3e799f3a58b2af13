"""Business time as one growing number, so that many spans of one calendar are measured by subtraction."""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from itertools import accumulate

from mailproc.model.calendar import Calendar
from mailproc.model.hours import Span

_BEFORE = timedelta(days=60)
_DAY = timedelta(days=1)


class Ruler:
    """A calendar's openings around a period; what is earlier is asked of the calendar itself."""

    def __init__(self, calendar: Calendar, start: float, end: float) -> None:
        """Nothing after ``end`` may be asked for."""
        day, last = calendar.date_of(start) - _BEFORE, calendar.date_of(end) + _DAY
        spans: list[Span] = []
        while day <= last:
            spans += calendar.day(day).openings
            day += _DAY
        self._calendar = calendar
        self._opens = [opens for opens, _ in spans]
        self._closes = [closes for _, closes in spans]
        self._passed = list(accumulate((closes - opens for opens, closes in spans), initial=0))

    def at(self, moment: float) -> float:
        """Business seconds at a moment since one that is always the same."""
        place = bisect_right(self._opens, moment) - 1
        if place < 0:
            return -self._calendar.open_seconds(moment, self._opens[0]) if self._opens else 0.0
        closes = self._closes[place]
        return self._passed[place] + min(closes, moment) - self._opens[place]
