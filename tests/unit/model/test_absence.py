"""Days of absence: what covers a day, how long it lasts, and how agents write it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.absence import FOREVER, Absences, AgentAbsence, Origin, parse_days, shown_days

TODAY = date(2026, 11, 22)
DAYS = st.dates(date(2026, 11, 1), date(2026, 12, 31))
SPANS = st.lists(st.tuples(DAYS, st.integers(0, 10)), max_size=6)


def absence(first: date, last: date, agent: str = "alice") -> AgentAbsence:
    return AgentAbsence(agent, first, last, Origin.COMMAND)


@given(SPANS, DAYS)
def test_an_agent_is_absent_on_the_days_of_any_absence_and_here_on_the_day_after(
    spans: list[tuple[date, int]], day: date
) -> None:
    known = Absences([absence(first, first + timedelta(length)) for first, length in spans])
    covered = {first + timedelta(number) for first, length in spans for number in range(length + 1)}
    assert known.is_absent("alice", day) is (day in covered)
    last = known.last_day("alice", day)
    expected = day
    while expected in covered:
        expected += timedelta(1)
    assert last == (expected - timedelta(1) if day in covered else None)
    assert not known.is_absent("bob", day)


def test_an_absence_without_an_end_lasts() -> None:
    known = Absences([absence(TODAY, FOREVER)])
    assert known.last_day("alice", date(2100, 1, 1)) == FOREVER


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("", (TODAY, FOREVER)),
        ("2026-12-24", (date(2026, 12, 24), date(2026, 12, 24))),
        ("2026-12-24/2026-12-31", (date(2026, 12, 24), date(2026, 12, 31))),
        ("Until 2026-11-30", (TODAY, date(2026, 11, 30))),
    ],
)
def test_days_are_read_as_agents_write_them(text: str, days: tuple[date, date]) -> None:
    assert parse_days(text, TODAY) == days


@pytest.mark.parametrize(
    "text", ["soon", "2026-12-24/2026-12-01", "2026-11-01", "until yesterday", "until 2026-11-01"]
)
def test_other_words_and_days_that_are_over_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"absence|before|past|isoformat"):
        parse_days(text, TODAY)


def test_people_are_told_the_days() -> None:
    assert shown_days(TODAY, FOREVER) == "from 2026-11-22"
    assert shown_days(TODAY, TODAY) == "on 2026-11-22"
    assert shown_days(TODAY, date(2026, 11, 30)) == "2026-11-22 to 2026-11-30"
