"""Rules for calendars: hours that can be read, holidays that are known, and a day that is open."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from mailproc.calendars.dates import parse_holiday
from mailproc.calendars.make import find_zone, hours_by_day, make_calendar
from mailproc.config import CalendarSection, Config
from mailproc.model.hours import WEEKDAYS, is_closed, parse_hours
from mailproc.model.mistake import Findings, did_you_mean

HOURS = ("weekdays", "weekend", *WEEKDAYS)


def check_calendars(config: Config, findings: Findings) -> None:
    """Hours, time zones, dates, and whose calendar it is."""
    used = {desk.calendar for desk in config.desk.values()}
    for name, section in config.calendar.items():
        _check_section(section, findings, "calendar", name)
        if name not in used:
            findings.warn("is used by no desk", "calendar", name)
    for name, desk in config.desk.items():
        if desk.calendar and desk.calendar not in config.calendar:
            hint = did_you_mean(desk.calendar, config.calendar)
            findings.refuse(f"there is no [calendar.{desk.calendar}]{hint}", "desk", name, "calendar")


def check_holidays(config: Config, findings: Findings, *, clock: Callable[[], float] = time.time) -> None:
    """Regions and files, which take long to look at; and that a day is left that is open."""
    for name, section in config.calendar.items():
        key = ("calendar", name)
        _check_regions(section, findings, *key)
        _check_files(section, findings, *key)
        if any(mistake.key[:2] == key for mistake in findings.mistakes):
            continue
        if make_calendar(name, section).after(clock(), 1.0) == math.inf:
            findings.refuse("never opens: every day with opening hours is a holiday", *key)


def _check_section(section: CalendarSection, findings: Findings, *key: str) -> None:
    for day in HOURS:
        findings.attempt(parse_hours, getattr(section, day), *key, day)
    findings.attempt(find_zone, section.timezone, *key, "timezone")
    if not section.timezone:
        findings.warn('missing: the hours are UTC; write timezone = "UTC" if that is meant', *key, "timezone")
    for number, text in enumerate(section.extra_holidays):
        findings.attempt(parse_holiday, text, *key, "extra_holidays", number)
    if all(is_closed(text) for text in hours_by_day(section)):
        findings.refuse(
            'never opens: write weekdays = "09:00-17:00", or hours for single days', *key, "weekdays"
        )


def _check_regions(section: CalendarSection, findings: Findings, *key: str | int) -> None:
    if section.holidays:
        from mailproc.calendars.country import region_holidays  # takes a quarter of a second

        for number, region in enumerate(section.holidays):
            findings.attempt(region_holidays, region, *key, "holidays", number)


def _check_files(section: CalendarSection, findings: Findings, *key: str | int) -> None:
    if not section.ical:
        return
    from mailproc.calendars.ical import BadIcal, read_ical  # as above

    for number, name in enumerate(section.ical):
        where = (*key, "ical", number)
        try:
            left_out = read_ical(Path(name)).left_out
        except BadIcal as error:
            findings.refuse(f"{name}: {error}", *where)
            continue
        if left_out:
            findings.warn(f"{name}: events with a time of day are no holidays: {left_out}", *where)
