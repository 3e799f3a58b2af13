"""Holidays from an iCalendar file (RFC 5545): its events of whole days, with their recurrences.

What has a time of day is no holiday: it is left out and counted.  Cancelled events are left out, and so are
dates that EXDATE or a moved instance (RECURRENCE-ID) takes away.  TRANSP means nothing: many publishers mark
holidays as free.  A file with an event that cannot be read is refused whole, before it hides a holiday.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import icalendar
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from icalendar import Component

MOST_OCTETS = 4_194_304
MOST_DAYS = 366  # of one event
DATE_RULES = frozenset({"YEARLY", "MONTHLY", "WEEKLY", "DAILY"})  # FREQ of what lasts whole days
TIMES = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
ONE_DAY = timedelta(days=1)


class BadIcal(ValueError):
    """The file cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class _Event:
    """A holiday of one or several days, once or again and again."""

    name: str
    first: date
    days: int
    rule: str = ""  # RRULE
    more: frozenset[date] = frozenset()  # RDATE
    less: frozenset[date] = frozenset()  # EXDATE, and instances that were moved

    def begins(self, since: date, until: date) -> Iterator[date]:
        """When it begins, from ``since`` to ``until``."""
        found = {self.first, *self.more}
        if self.rule:
            rule = rrulestr(self.rule, dtstart=_midnight(self.first))
            found |= {each.date() for each in rule.between(_midnight(since), _midnight(until), inc=True)}
        yield from sorted(day for day in found - self.less if since <= day <= until)


@dataclass(frozen=True, slots=True)
class IcalHolidays:
    """The holidays of a file, by the year; ``left_out`` is how many of its events have a time of day."""

    events: Sequence[_Event]
    left_out: int

    def of_year(self, year: int) -> Mapping[date, str]:
        found: dict[date, str] = {}
        for event in self.events:
            since = date(year, 1, 1) - ONE_DAY * (event.days - 1)
            for begin in event.begins(since, date(year, 12, 31)):
                days = (begin + ONE_DAY * number for number in range(event.days))
                found |= {day: event.name for day in days if day.year == year}
        return found


def read_ical(path: Path) -> IcalHolidays:
    """Read a file; raise BadIcal."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_OCTETS + 1)
    except OSError as error:
        raise BadIcal(f"cannot be read: {error.strerror}") from None
    if len(content) > MOST_OCTETS:
        raise BadIcal(f"is larger than {MOST_OCTETS} octets")
    return parse_ical(content)


def parse_ical(content: bytes) -> IcalHolidays:
    """The holidays of a file's content; raise BadIcal."""
    try:
        return _parse(content)
    except BadIcal:
        raise
    except (ValueError, LookupError, AttributeError, TypeError) as error:  # icalendar, of broken values
        raise BadIcal(f"is no iCalendar file: {error}") from None


def _parse(content: bytes) -> IcalHolidays:
    calendars = icalendar.Calendar.from_ical(content.decode("utf-8-sig"), multiple=True)
    if not calendars:
        raise BadIcal("is no iCalendar file: it holds no VCALENDAR")
    found = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    found = [event for event in found if str(event.get("STATUS", "")).upper() != "CANCELLED"]
    for event in found:
        _check(event)
    whole = [event for event in found if not isinstance(_value(event, "DTSTART").dt, datetime)]
    moved = _moved(found)
    return IcalHolidays([_event(event, moved) for event in whole], len(found) - len(whole))


def _check(event: Component) -> None:
    """Refuse an event whose dates are not known for certain."""
    for name, reason in event.errors:
        if name in TIMES:
            raise BadIcal(f"{_called(event)}: {name} cannot be read: {reason}")
    if "DTSTART" not in event:
        raise BadIcal(f"{_called(event)} has no DTSTART")
    for name in TIMES - {"RDATE", "EXDATE"}:
        if isinstance(event.get(name), list):
            raise BadIcal(f"{_called(event)} has several {name}")


def _moved(events: Sequence[Component]) -> Mapping[str, frozenset[date]]:
    """By UID, the dates of recurrences that stand in the file as events of their own."""
    moved: dict[str, frozenset[date]] = {}
    for event in events:
        if "RECURRENCE-ID" in event:
            name = str(event.get("UID", ""))
            moved[name] = moved.get(name, frozenset()) | {_date(event, "RECURRENCE-ID")}
    return moved


def _event(event: Component, moved: Mapping[str, frozenset[date]]) -> _Event:
    first = _date(event, "DTSTART")
    name = str(event.get("SUMMARY", "")) or "holiday"
    days = _days(event, first)
    if "RECURRENCE-ID" in event:
        return _Event(name, first, days)
    gone = _dates(event, "EXDATE") | moved.get(str(event.get("UID", "")), frozenset())
    return _Event(name, first, days, _rule(event, first), more=_dates(event, "RDATE"), less=gone)


def _days(event: Component, first: date) -> int:
    """RFC 5545 section 3.6.1: DTEND is the day after the last one; without one it is one day."""
    days = 1
    if "DTEND" in event:
        days = (_date(event, "DTEND") - first).days
    elif "DURATION" in event:
        days = _value(event, "DURATION").dt.days
    if not 0 <= days <= MOST_DAYS:
        raise BadIcal(f"{_called(event)} lasts {days} days")
    return max(days, 1)  # some write the same day as DTEND


def _rule(event: Component, first: date) -> str:
    rule = _value(event, "RRULE")
    if rule is None:
        return ""
    (often,) = rule.get("FREQ", ["never"])
    if often not in DATE_RULES:
        raise BadIcal(f"{_called(event)} lasts whole days, and recurs {often}")
    if rule.get("INTERVAL", [1])[0] < 1:  # dateutil would search for ever
        raise BadIcal(f"{_called(event)}: INTERVAL is below 1")
    if "UNTIL" in rule:
        rule["UNTIL"] = [_day_of(each) for each in rule["UNTIL"]]
    text: str = rule.to_ical().decode()
    try:
        rrulestr(text, dtstart=_midnight(first))
    except ValueError as error:
        raise BadIcal(f"{_called(event)}: RRULE {text}: {error}") from None
    return text


def _dates(event: Component, name: str) -> frozenset[date]:
    """The dates of RDATE or EXDATE: absent, one property or several."""
    listed = _value(event, name) or []
    properties = listed if isinstance(listed, list) else [listed]
    moments = [each.dt for found in properties for each in found.dts]
    if not all(isinstance(moment, date) for moment in moments):
        raise BadIcal(f"{_called(event)}: {name} holds periods, and the event lasts whole days")
    return frozenset(map(_day_of, moments))


def _date(event: Component, name: str) -> date:
    moment = _value(event, name).dt
    if not isinstance(moment, date):
        raise BadIcal(f"{_called(event)}: {name} is no date")
    return _day_of(moment)


def _day_of(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _value(event: Component, name: str) -> Any:
    """What icalendar made of a property; None where it is absent."""
    return event.get(name)


def _called(event: Component) -> str:
    return f'event "{event.get("SUMMARY", event.get("UID", "without a name"))}"'
