"""Opening hours as people write them: ``09:00-12:00, 13:00-17:00`` for a day, and seven days for a week.

Times are those of a clock on the wall.  Hours over midnight (``22:00-06:00``) belong to the day that they
begin on until midnight, and to the next day after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

DAY = 86400  # seconds
CLOSED = "closed"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Span = tuple[int, int]  # seconds since midnight: from the first, up to the second
Week = tuple[tuple[Span, ...], ...]  # each day's spans, in order and apart; Monday's first

_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)")


class BadHours(ValueError):
    """These are no opening hours; the text says why."""


def parse_hours(text: str) -> tuple[Span, ...]:
    """A day's spans in order; one over midnight ends after ``DAY``.  "" and ``closed`` are none."""
    if is_closed(text):
        return ()
    spans = sorted(_parse_span(part.strip()) for part in text.split(","))
    for (_, closes), (opens, _) in pairwise(spans):
        if opens < closes:
            raise BadHours(f'"{text}": these hours overlap at {shown_time(opens)}')
    return tuple(spans)


def is_closed(text: str) -> bool:
    """Whether a day has no hours."""
    return text.strip().lower() in ("", CLOSED)


def _parse_span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise BadHours(f'"{text}" are no hours, write "09:00-17:00", "09:00-12:00, 13:00-17:00" or "closed"')
    opens, closes = _seconds(found[1], found[2], text), _seconds(found[3], found[4], text)
    if opens == DAY:
        raise BadHours(f'"{text}" begins at the end of the day: write 00:00 on the next one')
    if opens == closes:
        raise BadHours(f'"{text}" is no time at all; around the clock is 00:00-24:00')
    return opens, closes if closes > opens else closes + DAY


def _seconds(hours: str, minutes: str, text: str) -> int:
    seconds = int(hours) * 3600 + int(minutes) * 60
    if int(minutes) > 59 or seconds > DAY:
        raise BadHours(f'"{text}": there is no time {hours}:{minutes}')
    return seconds


def make_week(days: Sequence[Iterable[Span]]) -> Week:
    """Seven days' spans, Monday's first, with what goes over midnight moved to the day that it falls on."""
    spread: list[list[Span]] = [[] for _ in WEEKDAYS]
    for number, spans in enumerate(days):
        for opens, closes in spans:
            spread[number].append((opens, min(closes, DAY)))
            if closes > DAY:
                spread[(number + 1) % len(WEEKDAYS)].append((0, closes - DAY))
    return tuple(tuple(joined(sorted(spans))) for spans in spread)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans by their beginning, with those that touch or overlap made one."""
    apart: list[Span] = []
    for opens, closes in spans:
        if apart and opens <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(closes, apart[-1][1]))
        else:
            apart.append((opens, closes))
    return apart


def shown_time(seconds: int) -> str:
    """``09:00`` for so many seconds since midnight; ``24:00`` is the end of a day."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{rest:02}" if rest else "")
