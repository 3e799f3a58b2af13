"""Clocks of tickets, against somebody who looks every minute."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.model.calendar import ALWAYS_OPEN, Calendar
from mailproc.model.hours import make_week, parse_hours
from mailproc.model.target import Clock, End, Happening, Kind, Pause, Target, What, clocks, timing

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
OPENED = 1_774_688_400.0  # Saturday 2026-03-28, 10:00 in Berlin: clocks are put forward in the night
OFFICE = Calendar(
    make_week([parse_hours("09:00-12:00, 13:00-17:00")] * 6 + [parse_hours("01:00-04:00")]),
    ZoneInfo("Europe/Berlin"),
    name="office",
)
STATES = (What.WORK, What.ANSWERED, What.SNOOZED, What.CLOSED, What.OFF)


def story(*told: tuple[float, What]) -> list[Happening]:
    """Hours after the opening, and what happened then."""
    return [Happening(OPENED + hours * HOUR, what) for hours, what in told]


def only(kind: Kind, found: Sequence[Clock]) -> Clock:
    (clock,) = (each for each in found if each.kind is kind)
    return clock


# --- the oracle: each minute on its own, by the definitions


@st.composite
def stories(draw: st.DrawFn) -> list[Happening]:
    kinds = st.sampled_from((What.CUSTOMER, What.CUSTOMER, What.ANSWER, *STATES))
    told = draw(st.lists(st.tuples(st.integers(0, 4000), kinds), max_size=14))
    return [
        Happening(OPENED + minute * MINUTE, what) for minute, what in sorted(told, key=lambda each: each[0])
    ]


def counted(story: Sequence[Happening], until: int) -> tuple[list[list[float]], list[float], What]:
    """The minutes that count for each wait, those that count for the solution, and the state at the end."""
    waits: list[list[float]] = []
    solution: list[float] = []
    state, owed, shelved, left = What.WORK, False, False, list(story)
    for minute in range(until):
        now = OPENED + minute * MINUTE
        while left and left[0].at <= now:
            what = left.pop(0).what
            if what is What.CUSTOMER and (not owed or shelved):
                waits.append([])
                owed, shelved = True, False
            elif what is What.ANSWER:
                owed = shelved = False
            elif what in STATES:
                shelved = owed and what is What.CLOSED and (shelved or state is not What.CLOSED)
                state = what
        if state is What.WORK and OFFICE.is_open(now):
            solution.append(now)
            if owed:
                waits[-1].append(now)
    return waits, solution, state


def pairs(
    found: Sequence[Clock], waits: list[list[float]], solution: list[float]
) -> Iterator[tuple[Clock, list[float]]]:
    yield found[-1], solution
    yield from zip(found[:-1], waits, strict=True)


@settings(max_examples=200, deadline=None)
@given(told=stories(), until=st.integers(1, 5000))
def test_clocks_count_the_minutes_in_which_somebody_owes_something(told: list[Happening], until: int) -> None:
    now = OPENED + until * MINUTE
    told = [each for each in told if each.at < now]
    waits, solution, state = counted(told, until)
    found = clocks(OPENED, told)
    if state in (What.OFF, What.CLOSED):
        assert all(clock.ended is not None for clock in found)
        return
    assert [clock.kind for clock in found] == [Kind.FIRST, Kind.NEXT][: len(waits)] + [Kind.NEXT] * (
        len(waits) - 2
    ) + [Kind.SOLUTION]
    for clock, minutes in pairs(found, waits, solution):
        assert clock.used(OFFICE, now) == len(minutes) * MINUTE
        for number in {1, len(minutes) // 2, len(minutes)} - {0}:
            if number <= len(minutes):
                assert clock.reaches(OFFICE, number * MINUTE) == minutes[number - 1] + MINUTE


@settings(max_examples=200, deadline=None)
@given(told=stories(), more=st.floats(0, 40 * DAY))
def test_a_clock_is_over_as_soon_as_it_has_reached_its_target(told: list[Happening], more: float) -> None:
    now = OPENED + 4000 * MINUTE + more
    for clock in clocks(OPENED, told):
        found = timing(clock, Target(first=2 * HOUR, next=2 * HOUR, solution=9 * HOUR), OFFICE, now)
        assert found is not None
        assert found.used <= found.target or found.is_over
        assert found.used >= found.target - 0.001 or not found.is_over
        assert found.is_met is not True or found.used <= found.target
        if found.due is not None:
            assert found.warn is not None
            assert found.warn <= found.due
        if clock.is_paused and found.due is not None:
            assert found.due <= now
        assert clock.is_running == (clock.ended is None and not clock.is_paused)


# --- the definitions, one by one


def test_first_answer_runs_from_the_first_mail_to_the_answer() -> None:
    found = clocks(
        OPENED, story((0, What.CUSTOMER), (1, What.CUSTOMER), (2, What.ANSWER), (2, What.ANSWERED))
    )
    assert found[0] == Clock(Kind.FIRST, OPENED, ended=OPENED + 2 * HOUR, end=End.ANSWER)
    assert [clock.kind for clock in found] == [Kind.FIRST, Kind.SOLUTION]
    assert found[1].is_paused


def test_next_answer_runs_from_the_first_mail_after_our_last() -> None:
    told = story(
        (0, What.CUSTOMER), (1, What.ANSWER), (1, What.ANSWERED),
        (5, What.CUSTOMER), (5, What.WORK), (6, What.CUSTOMER),
    )  # fmt: skip
    clock = only(Kind.NEXT, clocks(OPENED, told))
    assert clock == Clock(Kind.NEXT, OPENED + 5 * HOUR)
    assert clock.is_running
    assert clock.reaches(ALWAYS_OPEN, HOUR) == OPENED + 6 * HOUR


def test_without_a_mail_of_the_customer_only_the_solution_counts() -> None:
    found = clocks(OPENED, story((0, What.ANSWER), (0, What.ANSWERED)))
    assert [clock.kind for clock in found] == [Kind.SOLUTION]
    later = clocks(OPENED, story((0, What.ANSWER), (0, What.ANSWERED), (3, What.CUSTOMER), (3, What.WORK)))
    assert only(Kind.FIRST, later).started == OPENED + 3 * HOUR


def test_closing_ends_a_wait_without_an_answer() -> None:
    first, solution = clocks(OPENED, story((0, What.CUSTOMER), (1, What.CLOSED)))
    assert (first.ended, first.end) == (OPENED + HOUR, End.CLOSED)
    assert (solution.ended, solution.end) == (OPENED + HOUR, End.ANSWER)
    in_time = timing(first, Target(first=2 * HOUR), ALWAYS_OPEN, OPENED + 9 * HOUR)
    late = timing(first, Target(first=HOUR / 2), ALWAYS_OPEN, OPENED + 9 * HOUR)
    assert in_time is not None
    assert late is not None
    assert (in_time.is_met, late.is_met) == (None, False)


def test_a_solution_goes_on_where_it_stopped() -> None:
    solution = clocks(OPENED, story((2, What.CLOSED), (26, What.WORK)))[-1]
    assert solution.pauses == (Pause(OPENED + 2 * HOUR, OPENED + 26 * HOUR, What.CLOSED),)
    assert solution.used(ALWAYS_OPEN, OPENED + 27 * HOUR) == 3 * HOUR


def test_an_agent_who_opens_a_ticket_again_owes_the_answer_still() -> None:
    (first, _) = clocks(OPENED, story((0, What.CUSTOMER), (1, What.CLOSED), (2, What.WORK)))
    assert first.is_running
    assert first.used(ALWAYS_OPEN, OPENED + 4 * HOUR) == 3 * HOUR


def test_a_customer_who_opens_a_ticket_again_waits_anew() -> None:
    told = story((0, What.CUSTOMER), (1, What.CLOSED), (50, What.CUSTOMER), (50, What.WORK))
    first, following, _ = clocks(OPENED, told)
    assert first.end is End.CLOSED
    assert following == Clock(Kind.NEXT, OPENED + 50 * HOUR)


def test_a_mail_that_opens_nothing_is_owed_no_answer() -> None:
    told = story((0, What.CUSTOMER), (1, What.ANSWER), (1, What.CLOSED), (2, What.CUSTOMER))
    assert [clock.kind for clock in clocks(OPENED, told)] == [Kind.FIRST, Kind.SOLUTION]


def test_a_snoozed_ticket_is_due_nobody_knows_when() -> None:
    told = story((0, What.CUSTOMER), (1, What.SNOOZED))
    first = only(Kind.FIRST, clocks(OPENED, told))
    assert first.is_paused
    assert first.reaches(ALWAYS_OPEN, 2 * HOUR) is None
    assert first.reaches(ALWAYS_OPEN, HOUR / 2) == OPENED + HOUR / 2
    awake = only(Kind.FIRST, clocks(OPENED, [*told, *story((9, What.WORK))]))
    assert awake.reaches(ALWAYS_OPEN, 2 * HOUR) == OPENED + 10 * HOUR


def test_a_ticket_out_of_spam_counts_from_its_opening_with_that_time_as_a_pause() -> None:
    told = story((0, What.OFF), (0, What.CUSTOMER), (5, What.WORK))
    assert clocks(OPENED, told[:2]) == ()
    for clock in clocks(OPENED, told):
        assert clock.started == OPENED
        assert clock.pauses == (Pause(OPENED, OPENED + 5 * HOUR, What.OFF),)


def test_a_merged_ticket_has_no_clock_left() -> None:
    assert clocks(OPENED, story((0, What.CUSTOMER), (1, What.CLOSED), (1, What.OFF))) == ()


def test_a_target_of_nothing_has_no_timing() -> None:
    assert timing(Clock(Kind.FIRST, OPENED), Target(next=HOUR), ALWAYS_OPEN, OPENED) is None


def test_a_running_clock_is_warned_of_before_it_is_due() -> None:
    found = timing(Clock(Kind.FIRST, OPENED), Target(first=4 * HOUR), ALWAYS_OPEN, OPENED + HOUR)
    assert found is not None
    assert (found.warn, found.due) == (OPENED + 3 * HOUR, OPENED + 4 * HOUR)
    assert (found.used, found.is_over, found.is_met) == (HOUR, False, None)


def test_what_takes_longer_than_any_calendar_goes_is_never_due() -> None:
    assert Clock(Kind.FIRST, OPENED).reaches(OFFICE, 1e12) is None
    assert math.isfinite(OFFICE.after(OPENED, DAY))


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_has_its_own_target(kind: Kind) -> None:
    target = Target(first=1, next=2, solution=3)
    assert target.seconds(kind) == {"first": 1, "next": 2, "solution": 3}[kind]
