"""Ticket numbers: how they look, and what is read as one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.model.desk import NumberScheme
from mailproc.model.number import numbered, parse, period, random_number

NOON = 1_795_262_400.0  # 2026-11-21 12:00 UTC


def test_a_date_number_is_the_day_and_five_digits() -> None:
    assert numbered(period(NumberScheme.DATE, NOON), 17) == "2026112100017"


def test_more_tickets_a_day_make_a_longer_number() -> None:
    assert numbered("20261121", 123_456) == "20261121123456"


def test_a_sequence_has_no_period_and_no_padding() -> None:
    assert numbered(period(NumberScheme.SEQUENCE, NOON), 17) == "17"


def test_a_new_day_begins_a_new_period() -> None:
    assert period(NumberScheme.DATE, NOON + 43_199) == "20261121"
    assert period(NumberScheme.DATE, NOON + 43_200) == "20261122"


@settings(deadline=None)
@given(st.floats(min_value=0, max_value=1, exclude_max=True))
def test_a_random_number_has_ten_digits_and_does_not_begin_with_zero(chance: float) -> None:
    number = random_number(chance)
    assert len(number) == 10
    assert number.isdecimal()
    assert number[0] != "0"


@pytest.mark.parametrize("text", ["17", " 17 ", "T#17", "t#17", "[T#17]", "[T#17-k7q2mx]", "T#17-k7q2mx"])
def test_people_may_type_a_number_in_many_ways(text: str) -> None:
    assert parse(text) == "17"


@pytest.mark.parametrize("text", ["", "x", "17a", "1 7", "#17", "-17", "١٧", "1" * 21])
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse(text) is None
