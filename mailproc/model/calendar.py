"""When a desk is open, and how much of that is between two moments: business time.

A calendar is open whenever a clock on its wall shows a time within the hours of that weekday, and the date
there is no holiday; so it is exact where clocks are changed: an hour that is skipped is not worked, one that
comes twice is worked twice.  A holiday is closed from midnight to midnight.

All moments are seconds since 1970 UTC.  Openings are worked out once for each year and kept, so that a span
of ten years costs no more than one of a minute; holidays are asked for by the year, whatever year it is.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from itertools import accumulate

from mailproc.model.hours import DAY, Span, Week, joined

HORIZON = 50  # years; what needs longer is never
EARLIEST, LATEST = 3, 9998  # years: Python's dates, with some to spare
ROUND_THE_CLOCK: Week = (((0, DAY),),) * 7

_EPOCH = date(1970, 1, 1).toordinal()
_MONDAY = 3  # 1970 began on a Thursday

HolidaysOf = Callable[[int], Mapping[date, str]]  # a year's holidays with their names


class NeverOpens(ValueError):
    """No day of the week has opening hours."""


@dataclass(frozen=True, slots=True)
class Day:
    """One date as a calendar has it; each opening is two moments."""

    date: date
    openings: tuple[Span, ...]
    holiday: str  # its name, "" where it is none

    @property
    def seconds(self) -> int:
        return sum(closes - opens for opens, closes in self.openings)


@dataclass(frozen=True, slots=True)
class _Year:
    """A year's openings (UTC years), and how much business time passed before each of them."""

    opens: tuple[int, ...]
    closes: tuple[int, ...]
    passed: tuple[int, ...]  # one more than openings: the last is the whole year's

    @property
    def whole(self) -> int:
        return self.passed[-1]

    def is_open(self, at: float) -> bool:
        place = bisect_right(self.opens, at) - 1
        return place >= 0 and at < self.closes[place]

    def until(self, at: float) -> float:
        """Business seconds from the year's beginning to a moment in it."""
        place = bisect_right(self.opens, at) - 1
        if place < 0:
            return 0.0
        return self.passed[place] + (min(at, self.closes[place]) - self.opens[place])

    def first(self, seconds: float) -> float:
        """The first moment at which so many of the year's business seconds have passed: 0 < it <= whole."""
        place = bisect_left(self.passed, seconds) - 1
        return self.opens[place] + (seconds - self.passed[place])

    def last(self, seconds: float) -> float:
        """The last moment at which no more of them have passed: 0 <= it < whole."""
        place = bisect_right(self.passed, seconds) - 1
        return self.opens[place] + (seconds - self.passed[place])


def no_holidays(_year: int) -> Mapping[date, str]:
    return {}


class Calendar:
    """Opening hours in a time zone; a calendar without a name is that of those who name none."""

    def __init__(self, week: Week, zone: tzinfo, holidays: HolidaysOf = no_holidays, name: str = "") -> None:
        """Raise NeverOpens where the week has no hours; holidays are worked out when they are needed."""
        if not any(week):
            raise NeverOpens("never opens")
        self.name = name
        self.zone = zone
        self._week = week
        self._holidays_of = lru_cache(maxsize=None)(holidays)
        self._year = lru_cache(maxsize=None)(self._work_out)

    def is_open(self, at: float) -> bool:
        """Whether somebody works at this moment; the end of an opening is closed."""
        return self._year(_year_of(at)).is_open(at)

    def open_seconds(self, start: float, end: float) -> float:
        """Business seconds between two moments; 0 where the end is not after the start."""
        if end <= start:
            return 0.0
        first, last = _year_of(start), _year_of(end)
        between = sum(self._year(year).whole for year in range(first, last))
        return between + self._year(last).until(end) - self._year(first).until(start)

    def after(self, start: float, seconds: float) -> float:
        """The first moment when so many business seconds have passed since ``start``.

        Infinity where that takes longer than ``HORIZON`` years.
        """
        if seconds <= 0:
            return start
        first = _year_of(start)
        wanted = _to_microseconds(self._year(first).until(start) + seconds)
        for number in range(first, min(first + HORIZON, LATEST) + 1):
            year = self._year(number)
            if wanted <= year.whole:
                return max(start, year.first(wanted))
            wanted -= year.whole
        return math.inf

    def before(self, end: float, seconds: float) -> float:
        """The last moment from which so many business seconds pass until ``end``.

        Minus infinity where that is longer ago than ``HORIZON`` years.
        """
        if seconds <= 0:
            return end
        last = _year_of(end)
        left = _to_microseconds(self._year(last).until(end) - seconds)
        for number in range(last, max(last - HORIZON, EARLIEST) - 1, -1):
            if left >= 0 and left < self._year(number).whole:
                return min(end, self._year(number).last(left))
            left += self._year(number - 1).whole
        return -math.inf

    def day(self, which: date) -> Day:
        """One date: its openings, hour by hour of the wall's clock, and whether it is a holiday."""
        number = which.toordinal() - _EPOCH
        around = self._openings((number - 1) * DAY, (number + 2) * DAY)
        openings = joined((opens, closes) for day, opens, closes in around if day == number)
        return Day(which, tuple(openings), self._holidays_of(which.year).get(which, ""))

    def openings(self, year: int) -> tuple[Span, ...]:
        """All of a year (UTC), each as two moments."""
        known = self._year(year)
        return tuple(zip(known.opens, known.closes, strict=True))

    def described(self, at: float) -> str:
        """Its hours and its holidays of that year and the next, so that two calendars can be compared."""
        year = _year_of(at)
        holidays = [sorted(self._holidays_of(each)) for each in (year, year + 1)]
        return repr((self.name, str(self.zone), self._week, holidays))

    def date_of(self, at: float) -> date:
        """The date that the wall shows at a moment."""
        return datetime.fromtimestamp(at, self.zone).date()

    def _work_out(self, year: int) -> _Year:
        spans = joined(
            (opens, closes) for _, opens, closes in self._openings(_new_year(year), _new_year(year + 1))
        )
        return _Year(
            tuple(opens for opens, _ in spans),
            tuple(closes for _, closes in spans),
            tuple(accumulate((closes - opens for opens, closes in spans), initial=0)),
        )

    def _openings(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """From one moment to another: the day on the wall (since 1970), and from when until when."""
        for begins, ends, offset in self._even_pieces(start, end):
            for day in range((begins + offset) // DAY, (ends + offset - 1) // DAY + 1):
                midnight = day * DAY - offset
                for opens, closes in self._hours_of(day):
                    span = max(begins, midnight + opens), min(ends, midnight + closes)
                    if span[0] < span[1]:
                        yield day, *span

    def _hours_of(self, day: int) -> tuple[Span, ...]:
        on_the_wall = date.fromordinal(day + _EPOCH)
        if on_the_wall in self._holidays_of(on_the_wall.year):
            return ()
        return self._week[(day + _MONDAY) % 7]

    def _even_pieces(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Pieces in which no clock is changed, each with the seconds that the wall is ahead of UTC."""
        begins, offset = start, self._offset(start)
        for probe in range(start + DAY, end + DAY, DAY):
            looked_at = min(probe, end)
            while self._offset(looked_at) != offset:
                change = self._first_change(max(begins, looked_at - DAY), looked_at, offset)
                yield begins, change, offset
                begins, offset = change, self._offset(change)
        if begins < end:
            yield begins, end, offset

    def _first_change(self, before: int, after: int, offset: int) -> int:
        moments = range(before, after)
        return before + bisect_left(moments, True, key=lambda moment: self._offset(moment) != offset)

    def _offset(self, at: int) -> int:
        ahead = datetime.fromtimestamp(at, self.zone).utcoffset()
        assert ahead is not None  # as it is of every date with a zone
        return int(ahead.total_seconds())


@lru_cache(maxsize=1024)
def _new_year(year: int) -> int:
    return (date(year, 1, 1).toordinal() - _EPOCH) * DAY


def _to_microseconds(seconds: float) -> float:
    """A rounding error at the end of an opening would be a night long."""
    return round(seconds, 6)


def _year_of(at: float) -> int:
    return datetime.fromtimestamp(at, UTC).year


ALWAYS_OPEN = Calendar(ROUND_THE_CLOCK, UTC)
