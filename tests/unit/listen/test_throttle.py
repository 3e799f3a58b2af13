"""The brake on guessing: what it counts, when it lets go, and that it never holds too much."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailproc.listen.credentials.throttle import Attempt, Throttle, ThrottleRules
from tests.rig.office import TickingClock

RULES = ThrottleRules(failures=3, lock=100.0, remembered=50)
HERE, THERE = "192.0.2.1", "198.51.100.1"


def make(rules: ThrottleRules = RULES) -> tuple[Throttle, TickingClock]:
    clock = TickingClock()
    return Throttle(rules, clock), clock


def fail(throttle: Throttle, user: str, address: str, times: int) -> list[Attempt | None]:
    return [throttle.begin(user, address) for _ in range(times)]


def test_each_failure_is_answered_later() -> None:
    throttle, _ = make(ThrottleRules(failures=6))
    assert [attempt.delay for attempt in fail(throttle, "alice", HERE, 6) if attempt] == [
        0.5,
        1.0,
        2.0,
        4.0,
        4.0,
        4.0,
    ]


def test_a_user_is_locked_from_everywhere() -> None:
    throttle, _ = make()
    fail(throttle, "alice", HERE, 3)
    assert throttle.begin("alice", THERE) is None
    assert throttle.begin("bob", THERE) is not None


def test_many_attempts_at_once_gain_nothing() -> None:
    """None of them has an answer yet, and all of them count."""
    throttle, _ = make()
    assert [attempt is None for attempt in fail(throttle, "alice", HERE, 5)] == [False] * 3 + [True] * 2


def test_an_address_is_locked_for_everybody_unknown_there() -> None:
    throttle, _ = make()
    for number in range(9):
        fail(throttle, f"user{number}", HERE, 1)
    assert throttle.begin("alice", HERE) is None
    assert throttle.begin("alice", THERE) is not None


def test_failures_are_forgotten_after_the_lock() -> None:
    throttle, clock = make()
    fail(throttle, "alice", HERE, 3)
    clock.now += 99.9
    assert throttle.begin("alice", HERE) is None  # and this one does not make it longer
    clock.now += 0.1
    attempt = throttle.begin("alice", HERE)
    assert attempt is not None and attempt.delay == 0.5


def test_others_guesses_do_not_lock_out_who_is_known_there() -> None:
    throttle, _ = make()
    attempt = throttle.begin("alice", HERE)
    assert attempt is not None
    attempt.succeeded()
    fail(throttle, "alice", THERE, 3)
    for number in range(9):
        fail(throttle, f"user{number}", HERE, 1)
    assert throttle.begin("alice", THERE) is None
    assert throttle.begin("alice", HERE) is not None


def test_who_is_known_is_locked_by_failures_of_the_same_pair() -> None:
    throttle, _ = make()
    attempt = throttle.begin("alice", HERE)
    assert attempt is not None
    attempt.succeeded()
    fail(throttle, "alice", HERE, 3)
    assert throttle.begin("alice", HERE) is None


def test_success_forgives_the_pair() -> None:
    throttle, _ = make()
    for _ in range(10):
        attempt = fail(throttle, "alice", HERE, 2)[-1]
        assert attempt is not None
        attempt.succeeded()


def test_a_success_does_not_free_others_to_guess() -> None:
    throttle, _ = make()
    fail(throttle, "bob", THERE, 2)
    attempt = throttle.begin("bob", HERE)
    assert attempt is not None
    attempt.succeeded()
    assert [attempt is None for attempt in fail(throttle, "bob", THERE, 2)] == [False, True]


def test_what_nobody_could_decide_counts_as_nothing() -> None:
    throttle, _ = make()
    for _ in range(20):
        attempt = throttle.begin("alice", HERE)
        assert attempt is not None and attempt.delay == 0.5
        attempt.undecided()


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(0, 200), st.sampled_from(["fail", "succeed", "nobody"])),
        max_size=300,
    )
)
def test_memory_is_bounded_whatever_comes(attempts: list[tuple[int, int, str]]) -> None:
    throttle, _ = make()
    for user, address, outcome in attempts:
        attempt = throttle.begin(f"user{user}", f"address{address}")
        if attempt and outcome == "succeed":
            attempt.succeeded()
        elif attempt and outcome == "nobody":
            attempt.undecided()
    assert len(throttle) <= 4 * RULES.remembered


@given(st.lists(st.integers(0, 3), max_size=60))
def test_nobody_has_more_failures_than_the_rules_allow_between_two_locks(users: list[int]) -> None:
    throttle, _ = make()
    begun = [user for user in users if throttle.begin(f"user{user}", f"address{user}")]
    assert all(begun.count(user) <= RULES.failures for user in set(users))
