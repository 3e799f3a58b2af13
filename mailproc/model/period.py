"""Periods of reports: as people type them, and as they come round.

``2026-10`` is a month, ``2026-10-05`` a day, ``2026`` a year.  A schedule is ``day 07:00``, ``monday 07:00``
(or another weekday) or ``month 07:00``: at that time of each day, of that weekday, of the first of each
month; it is about the day, the seven days or the month before.  All are on a wall's clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from mailproc.model.figures import Period
from mailproc.model.hours import WEEKDAYS

EXAMPLES = '"monday 07:00", "day 07:00" or "month 07:00"'

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_EVERY = re.compile(r"([a-z]+)\s+(\d{1,2}):(\d\d)")
_TIME = re.compile(r"(\d{1,2}):(\d\d)")
_YEARS = range(1970, 9000)


@dataclass(frozen=True, slots=True)
class Schedule:
    """``day`` is ``day``, ``month`` or a weekday; ``at`` is the time of that day."""

    day: str
    at: time

    def last(self, now: float, zone: tzinfo) -> float:
        """The newest moment that is not after ``now``."""
        today = datetime.fromtimestamp(now, zone).date()
        moment = _moment(self._day_until(today), self.at, zone)
        if moment > now:
            moment = _moment(self._day_until(today - timedelta(days=1)), self.at, zone)
        return moment

    def period(self, moment: float, zone: tzinfo) -> Period:
        """What is reported at a moment: whole days, up to the one that it is on."""
        today = datetime.fromtimestamp(moment, zone).date()
        if self.day == "month":
            return between((today - timedelta(days=1)).replace(day=1), today, zone)
        return between(today - timedelta(days=1 if self.day == "day" else 7), today, zone)

    def _day_until(self, day: date) -> date:
        if self.day == "day":
            return day
        if self.day == "month":
            return day.replace(day=1)
        return day - timedelta(days=(day.weekday() - WEEKDAYS.index(self.day)) % 7)


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """A report that is mailed regularly to agents; ``form`` is what is attached."""

    name: str
    schedule: Schedule
    desks: tuple[str, ...]
    to: tuple[str, ...]
    form: str


def parse_schedule(text: str) -> Schedule:
    """Read ``monday 07:00``; ValueError where it is none."""
    found = _EVERY.fullmatch(text.strip().lower())
    if found is None or found[1] not in ("day", "month", *WEEKDAYS):
        raise ValueError(f'"{text}" is no schedule, write {EXAMPLES}')
    return Schedule(found[1], parse_time(f"{found[2]}:{found[3]}"))


def parse_time(text: str) -> time:
    """Read ``07:30``; ValueError where it is no time of the day."""
    found = _TIME.fullmatch(text.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError(f'"{text}" is no time of the day, write "07:30"')
    return time(int(found[1]), int(found[2]))


def parse_period(first: str, last: str, now: float, zone: tzinfo) -> Period:
    """From the beginning of ``first`` to the end of ``last``, each a day, a month or a year; "" is not given.

    Without both it is the last full month; without ``last`` it goes on until now, and without ``first`` it is
    ``last`` alone.  ValueError where one is no date, or the end is before the beginning.
    """
    today = datetime.fromtimestamp(now, zone).date()
    if not first and not last:
        return last_month(now, zone)
    begins = _parse_span(first or last)[0]
    ends = _parse_span(last)[1] if last else max(today, begins) + timedelta(days=1)
    if ends <= begins:
        raise ValueError(f'"{last}" is before "{first}"')
    return between(begins, ends, zone)


def last_month(now: float, zone: tzinfo) -> Period:
    """The last month that is over."""
    this = datetime.fromtimestamp(now, zone).date().replace(day=1)
    return between((this - timedelta(days=1)).replace(day=1), this, zone)


def between(first: date, after: date, zone: tzinfo) -> Period:
    """From the beginning of one day to the beginning of another."""
    return Period(_moment(first, time(), zone), _moment(after, time(), zone), zone)


def _parse_span(text: str) -> tuple[date, date]:
    """The first day, and the one after the last."""
    found = _DATE.fullmatch(text.strip())
    try:
        if found is None or int(found[1]) not in _YEARS:
            raise ValueError(text)
        year, month, day = (int(part or 1) for part in found.groups())
        first = date(year, month, day)
    except ValueError:
        raise ValueError(f'"{text}" is no date: use 2026-10-05, 2026-10 or 2026') from None
    if found[3]:
        return first, first + timedelta(days=1)
    if found[2]:
        return first, (first + timedelta(days=31)).replace(day=1)
    return first, date(year + 1, 1, 1)


def _moment(day: date, at: time, zone: tzinfo) -> float:
    return datetime.combine(day, at, zone).timestamp()
