"""Business time, against a clock that is looked at minute by minute."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.model.calendar import ALWAYS_OPEN, ROUND_THE_CLOCK, Calendar, NeverOpens
from mailproc.model.hours import DAY, Week, make_week, parse_hours

MINUTE, HOUR = 60, 3600
BERLIN, NEW_YORK, LORD_HOWE = map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"))
# Further oddities: clocks changed at midnight, an odd offset, and a date that was skipped (2011-12-30).
ZONES = (
    BERLIN,
    NEW_YORK,
    LORD_HOWE,
    *map(ZoneInfo, ("America/Havana", "Asia/Kathmandu", "Pacific/Apia", "UTC")),
)
CHANGES = {
    BERLIN: ("2026-03-29T01:00", "2026-10-25T01:00"),
    NEW_YORK: ("2026-03-08T07:00", "2026-11-01T06:00"),
    LORD_HOWE: ("2026-04-04T15:00", "2026-10-03T15:30"),
    ZONES[3]: ("2026-03-08T05:00", "2026-11-01T05:00"),
    ZONES[5]: ("2011-12-30T10:00",),
    ZONES[6]: ("2024-02-29T00:00", "2026-12-31T23:59", "2000-03-01T00:00"),
}
CHRISTMAS = date(2026, 12, 25)


def at(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def office(zone: ZoneInfo = BERLIN, *holidays: date) -> Calendar:
    """Monday to Friday, with lunch."""
    week = make_week([parse_hours("09:00-12:00, 13:00-17:00")] * 5 + [()] * 2)
    return Calendar(week, zone, lambda year: {day: "feast" for day in holidays if day.year == year}, "office")


# --- the oracle: every minute, by the wall's clock


def is_open(week: Week, zone: ZoneInfo, holidays: frozenset[date], minute: int) -> bool:
    wall = datetime.fromtimestamp(minute, UTC).astimezone(zone)
    seconds = wall.hour * HOUR + wall.minute * MINUTE
    return wall.date() not in holidays and any(
        opens <= seconds < closes for opens, closes in week[wall.weekday()]
    )


def open_minutes(
    week: Week, zone: ZoneInfo, holidays: frozenset[date], start: int, end: int
) -> Iterator[int]:
    return (minute for minute in range(start, end, MINUTE) if is_open(week, zone, holidays, minute))


minutes = st.integers(0, 24 * 60)


@st.composite
def days(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """Up to three openings of a day, the last perhaps over midnight."""
    times: list[int] = sorted(draw(st.lists(minutes, min_size=0, max_size=6, unique=True)))
    spans = [
        (first * MINUTE, second * MINUTE) for first, second in zip(times[::2], times[1::2], strict=False)
    ]
    over_midnight = draw(st.booleans())
    if spans and over_midnight:
        spans[-1] = (spans[-1][0], DAY + draw(st.integers(1, spans[-1][0] // MINUTE or 1)) * MINUTE)
    return tuple(spans)


weeks = st.lists(days(), min_size=7, max_size=7).map(make_week).filter(any)


@st.composite
def places(draw: st.DrawFn) -> tuple[ZoneInfo, int, int]:
    """A time zone and up to five days around a moment when its clocks are changed, in whole minutes."""
    zone = draw(st.sampled_from(sorted(CHANGES, key=str)))
    change = int(datetime.fromisoformat(draw(st.sampled_from(CHANGES[zone]))).replace(tzinfo=UTC).timestamp())
    start = change + draw(st.integers(-3 * 1440, 1440)) * MINUTE
    return zone, start, start + draw(st.integers(0, 4 * 1440)) * MINUTE


@settings(max_examples=60, deadline=None)
@given(week=weeks, place=places(), feast=st.integers(-2, 3))
def test_business_time_is_what_a_clock_on_the_wall_counts(
    week: Week, place: tuple[ZoneInfo, int, int], feast: int
) -> None:
    zone, start, end = place
    holiday = datetime.fromtimestamp(start, zone).date() + timedelta(days=feast)
    calendar = Calendar(week, zone, lambda year: {holiday: "feast"} if holiday.year == year else {})
    worked = list(open_minutes(week, zone, frozenset({holiday}), start, end))
    assert calendar.open_seconds(start, end) == len(worked) * MINUTE
    assert all(calendar.is_open(minute) and calendar.is_open(minute + 59.9) for minute in worked[:300])
    for number in {1, len(worked) // 2, len(worked)} - {0}:
        if number <= len(worked):
            assert calendar.after(start, number * MINUTE) == worked[number - 1] + MINUTE
            assert calendar.before(end, number * MINUTE) == worked[-number]


moments = st.floats(at("2019-06-01"), at("2031-06-01"))
spans = st.floats(0, 4000 * HOUR)


@settings(max_examples=100, deadline=None)
@given(start=moments, end=moments, between=moments, zone=st.sampled_from(ZONES))
def test_spans_of_years_add_up(start: float, end: float, between: float, zone: ZoneInfo) -> None:
    calendar = office(zone, CHRISTMAS)
    start, between, end = sorted((start, between, end))
    parts = calendar.open_seconds(start, between) + calendar.open_seconds(between, end)
    assert parts == pytest.approx(calendar.open_seconds(start, end), abs=1e-4)
    assert calendar.open_seconds(end, start) == 0.0


@settings(max_examples=100, deadline=None)
@given(start=moments, seconds=spans, zone=st.sampled_from(ZONES))
def test_after_and_before_turn_the_count_round(start: float, seconds: float, zone: ZoneInfo) -> None:
    calendar = office(zone, CHRISTMAS)
    due = calendar.after(start, seconds)
    assert due >= start
    assert calendar.open_seconds(start, due) == pytest.approx(seconds, abs=1e-4)
    since = calendar.before(start, seconds)
    assert since <= start
    assert calendar.open_seconds(since, start) == pytest.approx(seconds, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(start=moments, seconds=spans)
def test_who_names_no_calendar_has_plain_time(start: float, seconds: float) -> None:
    assert ALWAYS_OPEN.is_open(start)
    assert ALWAYS_OPEN.open_seconds(start, start + seconds) == pytest.approx(seconds, abs=1e-5)
    assert ALWAYS_OPEN.after(start, seconds) == pytest.approx(start + seconds, abs=1e-5)
    assert ALWAYS_OPEN.before(start, seconds) == pytest.approx(start - seconds, abs=1e-5)


def test_ten_years_are_counted_as_their_days() -> None:
    calendar = office(BERLIN, CHRISTMAS)
    first, last = date(2016, 1, 1), date(2026, 12, 31)
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    working = sum(day.weekday() < 5 and day != CHRISTMAS for day in every)
    assert calendar.open_seconds(at("2016-01-01"), at("2027-01-01")) == working * 7 * HOUR


# --- what a postmaster would say


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-20T16:00", 1, "2026-11-20T17:00"),  # the end of the day, not the next morning
        ("2026-11-20T16:00", 2, "2026-11-23T10:00"),  # over a weekend
        ("2026-11-20T11:30", 1, "2026-11-20T13:30"),  # over lunch
        ("2026-11-21T03:00", 7, "2026-11-23T17:00"),  # from a closed night
        ("2026-12-24T16:00", 2, "2026-12-28T10:00"),  # over a holiday and a weekend
        ("2028-02-28T17:00", 7, "2028-02-29T17:00"),  # a leap day
        ("2026-03-27T17:00", 35, "2026-04-03T17:00"),  # a week with a day of 23 hours
    ],
)
def test_due_times(start: str, hours: float, due: str) -> None:
    assert office(BERLIN, CHRISTMAS).after(at(start), hours * HOUR) == at(due)


def test_nothing_at_all_is_due_at_once() -> None:
    assert office().after(at("2026-11-21T03:00"), 0) == at("2026-11-21T03:00")


def test_a_claim_of_the_evening_is_as_old_as_one_of_the_next_opening() -> None:
    assert office().before(at("2026-11-23T13:00"), 3 * HOUR) == at("2026-11-23T09:00")
    assert office().before(at("2026-11-23T13:00"), 3 * HOUR + 1) == at("2026-11-20T16:59:59")


def test_the_end_of_an_opening_is_closed() -> None:
    calendar = office()
    assert calendar.is_open(at("2026-11-20T16:59:59"))
    assert not calendar.is_open(at("2026-11-20T17:00"))
    assert not calendar.is_open(at("2026-11-20T12:30"))
    assert not office(BERLIN, CHRISTMAS).is_open(at("2026-12-25T10:00"))


def test_a_skipped_hour_is_not_worked_and_one_that_comes_twice_is_worked_twice() -> None:
    around = Calendar(ROUND_THE_CLOCK, BERLIN)
    days = [date(2026, 3, 29), date(2026, 10, 25), date(2026, 10, 26)]
    assert [around.day(day).seconds / HOUR for day in days] == [23, 25, 24]
    howe = Calendar(ROUND_THE_CLOCK, LORD_HOWE)
    assert [howe.day(day).seconds / HOUR for day in (date(2026, 4, 5), date(2026, 10, 4))] == [24.5, 23.5]
    night = Calendar(make_week([parse_hours("02:00-03:00")] * 7), BERLIN)
    assert [night.day(day).seconds / HOUR for day in days] == [0, 2, 1]


def test_a_holiday_closes_the_date_also_for_a_night_that_began_before() -> None:
    nights = Calendar(
        make_week([parse_hours("22:00-06:00")] * 7), BERLIN, lambda _year: {CHRISTMAS: "Christmas"}
    )
    assert nights.open_seconds(at("2026-12-24T12:00"), at("2026-12-26T12:00")) == 8 * HOUR
    assert nights.day(CHRISTMAS).holiday == "Christmas"
    assert nights.day(CHRISTMAS).openings == ()


def test_holidays_are_asked_for_whatever_year_it_is() -> None:
    new_year = Calendar(
        make_week([parse_hours("09:00-17:00")] * 7), BERLIN, lambda year: {date(year, 1, 1): "New Year"}
    )
    asked = [new_year.is_open(at(f"{year}-01-01T12:00")) for year in (1971, 2026, 2099, 2500)]
    assert asked == [False] * 4
    assert new_year.is_open(at("2500-01-02T12:00"))


def test_what_takes_longer_than_a_life_is_never() -> None:
    assert office().after(at("2026-01-01"), 1e12) == math.inf
    assert office().before(at("2026-01-01"), 1e12) == -math.inf


def test_a_calendar_that_never_opens_is_refused() -> None:
    with pytest.raises(NeverOpens):
        Calendar(make_week([()] * 7), BERLIN)


def test_where_every_open_day_is_a_holiday_nothing_is_ever_due() -> None:
    closed = Calendar(
        make_week([parse_hours("09:00-17:00"), *[()] * 6]),
        BERLIN,
        lambda year: {date(year, 1, 1) + timedelta(days=number): "feast" for number in range(366)},
    )
    assert closed.after(at("2026-01-01"), 1) == math.inf
    assert closed.open_seconds(at("2020-01-01"), at("2026-01-01")) == 0
