"""Opening hours are read as people write them."""

from __future__ import annotations

import pytest

from mailproc.model.hours import DAY, BadHours, make_week, parse_hours, shown_time

HOUR = 3600


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("09:00-17:00", [(9, 17)]),
        ("9:00 - 12:00,13:00-17:30", [(9, 12), (13, 17.5)]),
        ("13:00–17:00, 09:00–12:00", [(9, 12), (13, 17)]),
        ("09:00-12:00, 12:00-13:00", [(9, 12), (12, 13)]),
        ("00:00-24:00", [(0, 24)]),
        ("22:00-06:00", [(22, 30)]),
        ("18:00-00:00", [(18, 24)]),
        ("", []),
        (" Closed ", []),
    ],
)
def test_hours_of_a_day_are_read(text: str, hours: list[tuple[float, float]]) -> None:
    assert list(parse_hours(text)) == [(opens * HOUR, closes * HOUR) for opens, closes in hours]


@pytest.mark.parametrize(
    "text",
    [
        "9-17",
        "09:00",
        "09:00-17:00;18:00-19:00",
        "09:00-17:60",
        "09:00-24:01",
        "25:00-26:00",
        "24:00-06:00",
        "09:00-09:00",
        "09:00-12:00,",
        "09:00-12:00, 11:59-13:00",
        "22:00-06:00, 23:00-24:00",
        "open",
    ],
)
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(BadHours, match=text.partition(",")[0]):
        parse_hours(text)


def test_hours_over_midnight_are_the_next_days_after_it() -> None:
    days = [parse_hours("") for _ in range(5)] + [parse_hours("10:00-12:00"), parse_hours("22:00-10:00")]
    week = make_week(days)
    assert week[6] == ((22 * HOUR, DAY),)
    assert week[0] == ((0, 10 * HOUR),)
    assert week[1:5] == ((), (), (), ())


def test_hours_that_meet_or_overlap_over_midnight_are_one_opening() -> None:
    week = make_week([parse_hours("22:00-09:00"), parse_hours("08:00-12:00"), *[()] * 5])
    assert week[1] == ((0, 12 * HOUR),)


def test_a_time_is_shown_as_it_is_written() -> None:
    shown = [shown_time(seconds) for seconds in (0, 9 * HOUR + 60, DAY, 90061)]
    assert shown == ["00:00", "09:01", "24:00", "25:01:01"]
