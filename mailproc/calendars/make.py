"""A ``[calendar.NAME]`` into a calendar, key by key, so that whoever checks it can say which one is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mailproc.calendars.dates import listed_holidays
from mailproc.config import CalendarSection
from mailproc.model.calendar import Calendar, HolidaysOf
from mailproc.model.hours import WEEKDAYS, make_week, parse_hours
from mailproc.model.mistake import did_you_mean

UTC = "UTC"  # where no time zone is named


class UnknownZone(ValueError):
    """The tz database has no such time zone."""


def make_calendar(name: str, section: CalendarSection) -> Calendar:
    """The calendar of a checked section; ValueError where a key of it is wrong.

    What is wrong with its holidays is told by the first question that needs them.
    """
    week = make_week([parse_hours(text) for text in hours_by_day(section)])
    return Calendar(week, find_zone(section.timezone), _holidays(section), name)


def hours_by_day(section: CalendarSection) -> list[str]:
    """What is written for each day, Monday first: its own key, else the one for its kind of day."""
    return [
        getattr(section, day) or (section.weekdays if number < 5 else section.weekend)
        for number, day in enumerate(WEEKDAYS)
    ]


def find_zone(name: str) -> ZoneInfo:
    """A time zone by its name in the tz database; raise UnknownZone."""
    try:
        return ZoneInfo(name or UTC)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones())
        raise UnknownZone(f'"{name}" is no time zone, write "Europe/Berlin" or "UTC"{hint}') from None


def _holidays(section: CalendarSection) -> HolidaysOf:
    """Files are read when a holiday is asked for first, because most commands ask for none."""
    sources = lru_cache(lambda: tuple(_sources(section)))
    return lambda year: _joined([source(year) for source in sources()])


def _joined(found: Sequence[Mapping[date, str]]) -> Mapping[date, str]:
    """Holidays from all sources; the first that has a date names it."""
    return {day: name for holidays in reversed(found) for day, name in holidays.items()}


def _sources(section: CalendarSection) -> Iterator[HolidaysOf]:
    if section.holidays:
        from mailproc.calendars.country import region_holidays  # takes a quarter of a second, as the next one

        yield from map(region_holidays, section.holidays)
    if section.ical:
        from mailproc.calendars.ical import read_ical

        yield from (read_ical(Path(name)).of_year for name in section.ical)
    if section.extra_holidays:
        yield listed_holidays(section.extra_holidays)
