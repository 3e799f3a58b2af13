"""Until when a ticket sleeps, as agents write it: a time, or until the customer answers.

A length of time (``4h``, ``3d``, ``2w``) is plain time, and so is a point in time, in the zone of the desk's
calendar.  A day that is named without a time (``tomorrow``, ``monday``, ``2026-12-01``) begins when the desk
opens on it, or on the next day on which it opens; without a calendar at eight in the morning of this machine.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time

from mailproc.model.calendar import ALWAYS_OPEN, Calendar
from mailproc.model.moment import EXAMPLES, at_eight, read_moment

UNTIL_ANSWER = math.inf  # until the customer writes
WORDS = frozenset({"answer", "reply"})  # what says so


def parse_snooze(text: str, now: float, calendar: Calendar = ALWAYS_OPEN) -> float:
    """Seconds since 1970, or UNTIL_ANSWER; ValueError where the text says no such time."""
    if text.strip().lower() in WORDS:
        return UNTIL_ANSWER
    zone = calendar.zone if calendar.name else None
    try:
        found = read_moment(text, now, zone)
    except ValueError:
        raise ValueError(f"{text.strip()!r} is no time: use {EXAMPLES}, or answer") from None
    return opening_of(calendar, found) if isinstance(found, date) else found


def opening_of(calendar: Calendar, day: date) -> float:
    """The first moment of a day, or of one after it, at which somebody works."""
    if not calendar.name:
        return at_eight(day, None)
    midnight = datetime.combine(day, time(0), calendar.zone).timestamp()
    opens = calendar.after(midnight, 1.0) - 1.0
    return opens if math.isfinite(opens) else at_eight(day, calendar.zone)


def shown_end(until: float, calendar: Calendar = ALWAYS_OPEN) -> str:
    """The same for people, in the desk's zone."""
    if until == UNTIL_ANSWER:
        return "until the customer answers"
    moment = datetime.fromtimestamp(until, calendar.zone) if calendar.name else _here(until)
    return f"until {moment:%Y-%m-%d %H:%M %Z}"


def _here(moment: float) -> datetime:
    """In this machine's zone."""
    return datetime.fromtimestamp(moment).astimezone()
