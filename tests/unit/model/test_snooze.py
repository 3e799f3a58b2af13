"""Until when a ticket sleeps: times as agents write them, in the desk's calendar."""

from __future__ import annotations

import math
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.calendar import Calendar
from mailproc.model.folder import SHELVES, place_of_ticket, shelf, shelf_for, shelf_time
from mailproc.model.hours import make_week, parse_hours
from mailproc.model.moment import parse_span
from mailproc.model.snooze import UNTIL_ANSWER, opening_of, parse_snooze, shown_end
from mailproc.model.ticket import State

NEW_YORK = ZoneInfo("America/New_York")
WEEK = make_week([parse_hours("09:30-17:00")] * 5 + [()] * 2)
THANKSGIVING = {date(2026, 11, 26): "Thanksgiving"}
OFFICE = Calendar(WEEK, NEW_YORK, lambda year: THANKSGIVING if year == 2026 else {}, "office")
NEVER = Calendar(
    WEEK, NEW_YORK, lambda year: dict.fromkeys(map(date.fromordinal, _days(year)), "closed"), "no"
)


def _days(year: int) -> range:
    return range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal())


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()


NOW = at("2026-11-20T15:00")  # a Friday


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("4h", NOW + 14_400),
        ("3d", NOW + 3 * 86_400),
        (" 2W ", NOW + 14 * 86_400),
        ("tomorrow", at("2026-11-23T09:30")),  # nobody works on a weekend
        ("Monday", at("2026-11-23T09:30")),
        ("thursday", at("2026-11-27T09:30")),  # a holiday
        ("fri", at("2026-11-27T09:30")),
        ("2026-12-01", at("2026-12-01T09:30")),
        ("2026-12-01T06:00", at("2026-12-01T06:00")),  # a time is a time
        ("2026-12-01T06:00Z", at("2026-12-01T01:00")),
        ("answer", UNTIL_ANSWER),
        ("Reply", UNTIL_ANSWER),
    ],
)
def test_a_time_is_read_in_the_desks_calendar(text: str, until: float) -> None:
    assert parse_snooze(text, NOW, OFFICE) == until


def test_a_day_begins_at_eight_where_there_is_no_calendar() -> None:
    assert parse_snooze("2026-12-01", NOW) == datetime(2026, 12, 1, 8).timestamp()


def test_a_calendar_that_never_opens_again_wakes_in_the_morning() -> None:
    assert parse_snooze("2026-12-01", NOW, NEVER) == at("2026-12-01T08:00")


def test_a_desk_that_is_open_at_midnight_wakes_then() -> None:
    always = Calendar(make_week([parse_hours("00:00-24:00")] * 7), NEW_YORK, name="always")
    assert opening_of(always, date(2026, 12, 1)) == at("2026-12-01T00:00")


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_ticket_wakes_while_somebody_works_and_nobody_worked_before_on_that_day(day: date) -> None:
    until = opening_of(OFFICE, day)
    midnight = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).timestamp()
    assert OFFICE.is_open(until)
    assert OFFICE.open_seconds(midnight, until) == 0


@given(st.text(max_size=30))
def test_anything_else_is_a_value_error(text: str) -> None:
    try:
        assert isinstance(parse_snooze(text, NOW, OFFICE), float)
    except ValueError as error:
        assert "is no time" in str(error)


@pytest.mark.parametrize(
    ("text", "shown"), [("answer", "until the customer answers"), ("tomorrow", "until 2026-11-23 09:30 EST")]
)
def test_people_are_told_the_end_in_the_desks_zone(text: str, shown: str) -> None:
    assert shown_end(parse_snooze(text, NOW, OFFICE), OFFICE) == shown


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("30m", 1800), ("14d", 1_209_600), ("2w", 1_209_600)]
)
def test_a_length_of_time_is_read(text: str, seconds: float) -> None:
    assert parse_span(text) == seconds


@pytest.mark.parametrize("text", ["", "14", "d", "-3d", "1.5d", "3 d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no length of time"):
        parse_span(text)


# Shelves


def test_the_shelf_of_a_time_is_the_shortest_that_is_long_enough() -> None:
    lengths = (3600.0, 86_400.0, 86_402.0, 10 * 86_400.0, math.inf)
    assert [shelf_for(each) for each in lengths] == [
        shelf(each) for each in ("1d", "1d", "3d", "1w", "answer")
    ]


def test_every_shelf_says_how_long_a_move_there_lasts() -> None:
    assert {name: shelf_time(shelf(name)) for name in SHELVES} == SHELVES


def test_a_ticket_of_which_no_shelf_is_known_lies_on_the_longest() -> None:
    assert place_of_ticket(State.SNOOZED, "") == "snoozed/1w"
