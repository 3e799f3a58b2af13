"""Holidays from iCalendar files, as calendars write them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mailproc.calendars.ical import BadIcal, parse_ical, read_ical


def ics(*events: str) -> bytes:
    """A file with events of these lines; each has a UID of its own, where it names none."""
    blocks = []
    for number, lines in enumerate(events):
        uid = "" if "UID:" in lines else f"UID:{number}@example.org\n"
        blocks.append(f"BEGIN:VEVENT\n{uid}{lines}\nEND:VEVENT\n")
    whole = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//example//EN\n{''.join(blocks)}END:VCALENDAR\n"
    return whole.replace("\n", "\r\n").encode()


def days_of(year: int, *events: str) -> list[str]:
    """The holidays of a year, as MM-DD."""
    return [f"{day:%m-%d}" for day in sorted(parse_ical(ics(*events)).of_year(year))]


CHRISTMAS_EVE = "DTSTART;VALUE=DATE:20201224\nSUMMARY:Christmas Eve\n"


def test_an_event_without_an_end_is_one_day_with_its_name() -> None:
    found = parse_ical(ics("DTSTART;VALUE=DATE:20261224\nSUMMARY:Christmas Eve\nTRANSP:TRANSPARENT"))
    assert found.of_year(2026) == {date(2026, 12, 24): "Christmas Eve"}
    assert found.of_year(2027) == {}


def test_the_end_is_the_day_after_the_last() -> None:
    event = "DTSTART;VALUE=DATE:20261230\nDTEND;VALUE=DATE:20270103"
    assert days_of(2026, event) == ["12-30", "12-31"]
    assert days_of(2027, event) == ["01-01", "01-02"]
    assert days_of(2026, "DTSTART;VALUE=DATE:20261230\nDTEND;VALUE=DATE:20261230") == ["12-30"]
    assert days_of(2026, "DTSTART;VALUE=DATE:20261228\nDURATION:P3D") == ["12-28", "12-29", "12-30"]


@pytest.mark.parametrize(
    ("rule", "year", "days"),
    [
        ("FREQ=YEARLY", 2026, ["12-24"]),
        ("FREQ=YEARLY", 2019, []),
        ("FREQ=YEARLY;UNTIL=20251224", 2025, ["12-24"]),
        ("FREQ=YEARLY;UNTIL=20251224T230000Z", 2025, ["12-24"]),
        ("FREQ=YEARLY;UNTIL=20251224", 2026, []),
        ("FREQ=YEARLY;COUNT=3", 2022, ["12-24"]),
        ("FREQ=YEARLY;COUNT=3", 2023, []),
        ("FREQ=YEARLY;INTERVAL=2", 2021, []),
        ("FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO", 2026, ["05-25"]),
        ("FREQ=MONTHLY;BYDAY=1FR;UNTIL=20210301", 2021, ["01-01", "02-05"]),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 2026, []),
    ],
)
def test_recurrences(rule: str, year: int, days: list[str]) -> None:
    assert days_of(year, f"{CHRISTMAS_EVE}RRULE:{rule}") == days


def test_a_holiday_of_every_year_lasts_over_new_year() -> None:
    event = "DTSTART;VALUE=DATE:20201228\nDTEND;VALUE=DATE:20210102\nRRULE:FREQ=YEARLY"
    assert days_of(2026, event) == ["01-01", "12-28", "12-29", "12-30", "12-31"]


def test_dates_are_added_and_taken_away() -> None:
    event = (
        f"{CHRISTMAS_EVE}RRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20261224\nRDATE;VALUE=DATE:20260102,20260105"
    )
    assert days_of(2026, event) == ["01-02", "01-05"]
    assert days_of(2027, event) == ["12-24"]


def test_a_moved_instance_stands_for_the_one_that_it_was() -> None:
    events = (
        f"UID:eve@example.org\n{CHRISTMAS_EVE}RRULE:FREQ=YEARLY",
        "UID:eve@example.org\nRECURRENCE-ID;VALUE=DATE:20261224\nDTSTART;VALUE=DATE:20261223",
    )
    assert days_of(2026, *events) == ["12-23"]
    assert days_of(2027, *events) == ["12-24"]


def test_what_has_a_time_of_day_or_was_cancelled_is_no_holiday() -> None:
    found = parse_ical(
        ics("DTSTART:20261224T120000Z", f"{CHRISTMAS_EVE}STATUS:CANCELLED", CHRISTMAS_EVE.strip())
    )
    assert found.left_out == 1
    assert found.of_year(2026) == {}
    assert found.of_year(2020) == {date(2020, 12, 24): "Christmas Eve"}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("SUMMARY:Outing", 'event "Outing" has no DTSTART'),
        ("DTSTART;VALUE=DATE:2026-12-24", "DTSTART cannot be read"),
        ("DTSTART;VALUE=DATE:20261224\nDTSTART;VALUE=DATE:20261225", "has several DTSTART"),
        ("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261220", "lasts -4 days"),
        ("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20291220", "lasts 1092 days"),
        (f"{CHRISTMAS_EVE}RRULE:FREQ=HOURLY", "lasts whole days, and recurs HOURLY"),
        (f"{CHRISTMAS_EVE}RRULE:FREQ=OFTEN", "RRULE cannot be read"),
        (f"{CHRISTMAS_EVE}RRULE:FREQ=YEARLY\nRRULE:FREQ=DAILY", "has several RRULE"),
        (f"{CHRISTMAS_EVE}RRULE:FREQ=DAILY;INTERVAL=0", "INTERVAL is below 1"),
        (f"{CHRISTMAS_EVE}EXDATE:never", "EXDATE cannot be read"),
        (f"{CHRISTMAS_EVE}RRULE:FREQ=YEARLY;UNTIL=203012;31;BYMONTH=12", "is no iCalendar file"),
        (f"{CHRISTMAS_EVE}DURATION:20201224T000000Z", "is no iCalendar file"),
    ],
)
def test_an_event_whose_days_are_not_certain_is_refused(event: str, reason: str) -> None:
    with pytest.raises(BadIcal, match=reason):
        parse_ical(ics(event))


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\xff\xfe", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b"END:VEVENT"]
)
def test_what_is_no_icalendar_file_is_refused(content: bytes) -> None:
    with pytest.raises(BadIcal, match="is no iCalendar file"):
        parse_ical(content)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BadIcal, match="No such file"):
        read_ical(tmp_path / "company.ics")
