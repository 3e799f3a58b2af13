"""Periods of reports, as people type them and as they come round."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.figures import Period
from mailproc.model.period import parse_period, parse_schedule

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 7, 30, tzinfo=BERLIN).timestamp()  # a Sunday


def dates(period: Period) -> tuple[str, str]:
    start, end = (datetime.fromtimestamp(moment, BERLIN) for moment in (period.start, period.end))
    return f"{start:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("first", "last", "start", "end"),
    [
        ("", "", "2026-10-01", "2026-11-01"),
        ("2026-11-01", "", "2026-11-01", "2026-11-23"),
        ("2026-03-29", "2026-03-29", "2026-03-29", "2026-03-30"),  # 23 hours
        ("2026-12", "2026-12", "2026-12-01", "2027-01-01"),
        ("2026", "2026", "2026-01-01", "2027-01-01"),
        ("2026-02", "2026-02-10", "2026-02-01", "2026-02-11"),
        ("", "2026-02", "2026-02-01", "2026-03-01"),
    ],
)
def test_a_period_is_whole_days(first: str, last: str, start: str, end: str) -> None:
    assert dates(parse_period(first, last, NOW, BERLIN)) == (f"{start} 00:00", f"{end} 00:00")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("yesterday", ""),
        ("2026-13", ""),
        ("2026-02-30", ""),
        ("2026-03", "2026-02"),
        ("0000", ""),
        ("9999", ""),
    ],
)
def test_what_is_no_period_is_refused(first: str, last: str) -> None:
    with pytest.raises(ValueError, match=r"no date|is before"):
        parse_period(first, last, NOW, BERLIN)


@pytest.mark.parametrize(
    ("text", "last", "start", "end"),
    [
        ("monday 07:00", "2026-11-16 07:00", "2026-11-09", "2026-11-16"),
        ("sunday 07:00", "2026-11-22 07:00", "2026-11-15", "2026-11-22"),
        ("sunday 08:00", "2026-11-15 08:00", "2026-11-08", "2026-11-15"),
        ("day 07:00", "2026-11-22 07:00", "2026-11-21", "2026-11-22"),
        ("day 08:00", "2026-11-21 08:00", "2026-11-20", "2026-11-21"),
        ("month 07:00", "2026-11-01 07:00", "2026-10-01", "2026-11-01"),
    ],
)
def test_a_schedule_reports_on_what_is_over(text: str, last: str, start: str, end: str) -> None:
    schedule = parse_schedule(text)
    moment = schedule.last(NOW, BERLIN)
    assert f"{datetime.fromtimestamp(moment, BERLIN):%Y-%m-%d %H:%M}" == last
    assert dates(schedule.period(moment, BERLIN)) == (f"{start} 00:00", f"{end} 00:00")


@given(now=st.floats(0, 4e9), day=st.sampled_from(("day", "month", "friday")), hour=st.integers(0, 23))
def test_the_last_moment_of_a_schedule_is_past_and_stays_the_last(now: float, day: str, hour: int) -> None:
    schedule = parse_schedule(f"{day} {hour:02}:30")
    moment = schedule.last(now, BERLIN)
    longest = {"day": 1, "month": 31, "friday": 7}[day] * 86400 + 7200
    assert moment <= now < moment + longest
    assert schedule.last(moment, BERLIN) == moment


@pytest.mark.parametrize("text", ["", "monday", "7:00", "noday 07:00", "monday 24:00", "day 07:60"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_schedule(text)
