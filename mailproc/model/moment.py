"""Times as people are told them, and as they type them.

They may type ``4h``, ``3d``, ``2w``, ``tomorrow``, ``monday``, a date, or RFC 3339.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

EXAMPLES = "4h, 3d, 2w, tomorrow, monday or 2026-12-01T09:00"

_SPAN = re.compile(r"(\d{1,5})([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = {"mon": "monday", "tue": "tuesday", "wed": "wednesday", "thu": "thursday", "fri": "friday",
          "sat": "saturday", "sun": "sunday"}  # fmt: skip
_MORNING = time(8)  # of a day that is named without a time


def parse_moment(text: str, now: float, zone: tzinfo | None = None) -> float:
    """Seconds since 1970 of a span from ``now`` or a point in time; ValueError where it is neither.

    Where the text names no zone it is ``zone``, by default this machine's; a day without a time begins
    at eight in the morning.
    """
    found = read_moment(text, now, zone)
    return at_eight(found, zone) if isinstance(found, date) else found


def at_eight(day: date, zone: tzinfo | None) -> float:
    """When a day begins that is named without a time, where no calendar says otherwise."""
    return datetime.combine(day, _MORNING, zone).timestamp()


def read_moment(text: str, now: float, zone: tzinfo | None = None) -> float | date:
    """The same, but a day that is named without a time stays a day."""
    text = text.strip().lower()
    if span := _SPAN.fullmatch(text):
        return now + int(span[1]) * _SECONDS[span[2]]
    if day := _named_day(text, datetime.fromtimestamp(now, zone)):
        return day.date()
    try:
        moment = datetime.fromisoformat(text.upper())
        is_day = len(text) <= len("2026-12-01")
        moment = datetime.combine(moment, _MORNING) if is_day else moment
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time: use {EXAMPLES}") from None
    return moment.date() if is_day else seconds


def parse_span(text: str) -> float:
    """Seconds of a length of time, ``30m``, ``4h``, ``14d`` or ``2w``; "0" is none; ValueError."""
    text = text.strip().lower()
    found = _SPAN.fullmatch(text)
    if found is None and text != "0":
        raise ValueError(f'"{text}" is no length of time: write 30m, 4h, 14d or 2w')
    return float(int(found[1]) * _SECONDS[found[2]]) if found else 0.0


def parse_past_moment(text: str, now: float) -> float:
    """Seconds since 1970 of a span before ``now`` or a time that was; ValueError where it is neither."""
    if span := _SPAN.fullmatch(text.strip().lower()):
        return now - int(span[1]) * _SECONDS[span[2]]
    moment = parse_moment(text, now)
    if moment > now:
        raise ValueError(f"{text!r} is to come: use 4h, 3d, 2w ago, or 2026-12-01T09:00")
    return moment


def shown_moment(moment: float) -> str:
    """A time as people are told it."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"


def _named_day(text: str, today: datetime) -> datetime | None:
    """The next day of this name, never today."""
    if text == "tomorrow":
        return today + timedelta(days=1)
    for number, short in enumerate(_WEEKDAYS):
        if text in (short, _NAMES[short]):
            return today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)
    return None
