"""When the outbox tries again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailproc.outbox.schedule import Schedule

SCHEDULE = Schedule(first=60, longest=3600, max_age=432000, jitter=0.2)
chances = st.floats(0, 1, exclude_max=True)


def test_delays_double_up_to_the_longest() -> None:
    delays = [SCHEDULE.delay(failures, 0.5) for failures in range(1, 9)]
    assert delays == [60, 120, 240, 480, 960, 1920, 3600, 3600]


@given(st.integers(1, 10**9), chances)
def test_jitter_stays_within_its_share(failures: int, chance: float) -> None:
    middle = SCHEDULE.delay(failures, 0.5)
    assert 0.8 * middle <= SCHEDULE.delay(failures, chance) <= 1.2 * middle


@given(st.floats(0, 432000, exclude_max=True), st.integers(1, 500), chances)
def test_next_try_is_later_and_never_after_the_greatest_age(age: float, failures: int, chance: float) -> None:
    due = SCHEDULE.next_due(created=0, failures=failures, now=age, chance=chance)
    assert due is not None
    assert age < due <= 432000


def test_last_try_is_made_when_the_greatest_age_is_reached() -> None:
    assert SCHEDULE.next_due(created=0, failures=99, now=431999, chance=0.5) == 432000


def test_failure_at_the_greatest_age_is_final() -> None:
    assert SCHEDULE.next_due(created=0, failures=1, now=432000, chance=0.5) is None
