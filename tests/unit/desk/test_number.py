"""Ticket numbers come one after the other, however many a transaction asks for at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailproc.desk.number import Numbers, new_number
from mailproc.model.desk import NumberScheme
from tests.unit.desk.mailroom import NOW, Mailroom, open_mailroom


@pytest.fixture
def mailroom(tmp_path: Path) -> Iterator[Mailroom]:
    with open_mailroom(tmp_path) as mailroom:
        yield mailroom


def test_what_is_not_given_is_not_counted(mailroom: Mailroom) -> None:
    desk = replace(mailroom.desk, number=NumberScheme.SEQUENCE)
    numbers = Numbers(mailroom.tx, mailroom.rng, stretch=5)
    assert [numbers.give(desk, NOW) for _ in range(2)] == ["1", "2"]
    numbers.write_down()
    assert new_number(mailroom.tx, desk, NOW, mailroom.rng) == "3"


def test_more_than_one_stretch_goes_on(mailroom: Mailroom) -> None:
    desk = replace(mailroom.desk, number=NumberScheme.SEQUENCE)
    numbers = Numbers(mailroom.tx, mailroom.rng, stretch=2)
    assert [numbers.give(desk, NOW) for _ in range(5)] == ["1", "2", "3", "4", "5"]


def test_schemes_are_counted_apart(mailroom: Mailroom) -> None:
    desks = [replace(mailroom.desk, number=scheme) for scheme in (NumberScheme.DATE, NumberScheme.SEQUENCE)]
    numbers = Numbers(mailroom.tx, random.Random(1), stretch=3)
    first, second = ([numbers.give(desk, NOW) for _ in range(2)] for desk in desks)
    assert [each[8:] for each in first] == ["00001", "00002"]
    assert second == ["1", "2"]
