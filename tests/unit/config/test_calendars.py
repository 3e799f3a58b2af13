"""The rules of [calendar.NAME]: every mistake at its key."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from mailproc.model.calendar import ALWAYS_OPEN
from mailproc.model.mac import Keyring
from mailproc.opening import make_calendars, make_site
from tests.unit.config.conftest import DESK, Check, Mistakes
from tests.unit.config.test_sample import SAMPLE

DESK_WITH = DESK + 'calendar = "office"\n'
OFFICE = '[calendar.office]\ntimezone = "Europe/Berlin"\n'
HOURS = 'weekdays = "09:00-17:00"\n'
EVENT = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261130\r\nEND:VEVENT\r\n"
TIMED = "BEGIN:VEVENT\r\nUID:2\r\nDTSTART:20261201T100000Z\r\nEND:VEVENT\r\n"


def write_ical(folder: Path, *events: str) -> None:
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(events)}END:VCALENDAR\r\n"
    (folder / "company.ics").write_text(text, newline="")


def test_a_desk_has_the_calendar_that_it_names(check: Check, tmp_path: Path) -> None:
    write_ical(tmp_path, EVENT)
    days = 'friday = "09:00-15:00"\nthursday = "closed"\n'
    holidays = 'holidays = ["DE-BY"]\nical = ["company.ics"]\nextra_holidays = ["12-24"]\n'
    config = check(OFFICE + HOURS + days + holidays + DESK_WITH).config
    calendar = make_site(config, Keyring.generate(bytes(32))).desks["support"].calendar
    assert calendar.name == "office"
    hours = [calendar.day(date(2026, 11, day)).seconds / 3600 for day in range(23, 31)]
    assert hours == [8, 8, 8, 0, 6, 0, 0, 0]  # the last is the file's
    closed = (date(2026, 11, 30), date(2026, 12, 24), date(2026, 12, 25), date(2027, 1, 6))
    assert all(calendar.day(day).holiday for day in closed)


def test_a_desk_without_one_is_always_open(check: Check) -> None:
    config = check(DESK).config
    assert make_site(config, Keyring.generate(bytes(32))).desks["support"].calendar is ALWAYS_OPEN


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('weekdays = "9-17"', '3: calendar.office.weekdays: "9-17" are no hours'),
        ('sunday = "09:00-12:00, 11:00-13:00"', "3: calendar.office.sunday: "),
        ('mondays = "09:00-17:00"', '3: calendar.office.mondays: unknown key (did you mean "monday"?)'),
        (HOURS + 'holidays = ["DE", "DE-BX"]', "4: calendar.office.holidays[1]: "),
        (
            HOURS + 'extra_holidays = ["12-24",\n"12-32"]',
            '5: calendar.office.extra_holidays[1]: "12-32": there is',
        ),
        (HOURS + 'ical = ["company.ics"]', "4: calendar.office.ical[0]: "),
        ('sunday = "closed"', "1: calendar.office.weekdays: never opens: write"),
        ("", "1: calendar.office.weekdays: never opens: write"),
    ],
)
def test_a_mistake_is_told_at_its_key(mistakes: Mistakes, text: str, mistake: str) -> None:
    assert [line for line in mistakes(f"{OFFICE}{text}\n{DESK_WITH}") if line.startswith(mistake)]


def test_a_wrong_time_zone_is_told_with_one_that_is_meant(mistakes: Mistakes) -> None:
    (found,) = mistakes(f'[calendar.office]\ntimezone = "Europe/Berln"\n{HOURS}{DESK_WITH}')
    assert found.startswith("2: calendar.office.timezone: ")
    assert found.endswith('(did you mean "Europe/Berlin"?)')


@pytest.mark.parametrize("name", ["/etc/passwd", "../zoneinfo/UTC", "Europe", "\\u0000"])
def test_a_time_zone_is_no_path(mistakes: Mistakes, name: str) -> None:
    (found,) = mistakes(f'[calendar.office]\ntimezone = "{name}"\n{HOURS}{DESK_WITH}')
    assert "is no time zone" in found


def test_a_desk_that_names_no_calendar_of_ours_is_told_which_there_is(mistakes: Mistakes) -> None:
    (found,) = mistakes(OFFICE + HOURS + DESK + 'calendar = "ofice"\n')
    assert found.endswith('desk.support.calendar: there is no [calendar.ofice] (did you mean "office"?)')


def test_a_calendar_whose_every_day_is_a_holiday_is_refused(mistakes: Mistakes, tmp_path: Path) -> None:
    write_ical(tmp_path, EVENT.replace("20261130", "20200106\r\nRRULE:FREQ=WEEKLY"))
    (found,) = mistakes(OFFICE + 'monday = "09:00-17:00"\nical = ["company.ics"]\n' + DESK_WITH)
    assert found == "1: calendar.office: never opens: every day with opening hours is a holiday"


def test_what_may_be_meant_otherwise_is_warned_of(check: Check, tmp_path: Path) -> None:
    write_ical(tmp_path, EVENT, TIMED)
    loaded = check(f"[calendar.office]\n{HOURS}ical = ['company.ics']\n{DESK}")
    warned = [warning.partition("calendar.")[2] for warning in loaded.warnings if "calendar." in warning]
    assert [warning.partition(": ")[0] for warning in warned] == [
        "office",
        "office.timezone",
        "office.ical[0]",
    ]
    assert warned[2].endswith("company.ics: events with a time of day are no holidays: 1")


def test_the_sample_s_calendar_loads(check: Check, tmp_path: Path) -> None:
    write_ical(tmp_path, EVENT)
    (section,) = re.findall(r"^#\[calendar\.office\]\n(?:#.*\n)+", SAMPLE.read_text(), re.MULTILINE)
    text = re.sub("^#", "", section, flags=re.MULTILINE)
    calendar = make_calendars(check(text + DESK_WITH).config)["office"]
    assert calendar.day(date(2026, 12, 31)).holiday
    assert calendar.day(date(2026, 11, 26)).seconds == 11 * 3600
