"""Holidays as a site lists them: ``2026-12-24`` once, ``12-24`` in every year."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

from mailproc.model.calendar import HolidaysOf

NAME = "extra holiday"  # what a date without a name is called

_DATE = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d)")
_ANY_LEAP_YEAR = 2000

Listed = tuple[int | None, int, int]  # year, None for every one; month; day


class BadDate(ValueError):
    """This is no date; the text says why."""


def parse_holiday(text: str) -> Listed:
    """A date, with or without a year; raise BadDate."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise BadDate(f'"{text}" is no date, write "2026-12-24", or "12-24" for every year')
    year, month, day = int(found[1]) if found[1] else None, int(found[2]), int(found[3])
    if _date(_ANY_LEAP_YEAR if year is None else year, month, day) is None:
        raise BadDate(f'"{text}": there is no such day')
    return year, month, day


def listed_holidays(texts: Iterable[str]) -> HolidaysOf:
    """The dates of a list, by the year; 02-29 is in leap years only.  Raise BadDate."""
    listed = [parse_holiday(text) for text in texts]

    def of_year(year: int) -> Mapping[date, str]:
        dates = [_date(year, month, day) for of, month, day in listed if of in (None, year)]
        return {found: NAME for found in dates if found is not None}

    return of_year


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
