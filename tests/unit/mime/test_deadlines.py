"""Dates by which something is wanted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.mime.deadlines import FARTHEST, MOST, deadlines_in

TODAY = date(2026, 11, 22)  # a Sunday


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Please answer by Friday.", date(2026, 11, 27)),
        ("until 24.12.2026, thanks", date(2026, 12, 24)),
        ("no later than 2026-12-01", date(2026, 12, 1)),
        ("by December 3rd, 2026", date(2026, 12, 3)),
        ("before the 3rd of December", date(2026, 12, 3)),
        ("by 12/24/2026", date(2026, 12, 24)),
        ("by Monday, 30 November", date(2026, 11, 30)),
        ("within 14 days", date(2026, 12, 6)),
        ("by tomorrow", date(2026, 11, 23)),
        ("by Sunday", date(2026, 11, 29)),
        ("by January 5", date(2027, 1, 5)),
        ("bis zum 3. Dezember", date(2026, 12, 3)),
        ("bis spätestens 05.12.", date(2026, 12, 5)),
        ("zahlbar bis: 05.12.26", date(2026, 12, 5)),
        ("innerhalb von 2 Wochen", date(2026, 12, 6)),
        ("bis kommenden Freitag", date(2026, 11, 27)),
        ("avant le 3 décembre 2026", date(2026, 12, 3)),
        ("jusqu'au 5 janvier", date(2027, 1, 5)),
        ("dans les 10 jours", date(2026, 12, 2)),
        ("antes del 5 de enero", date(2027, 1, 5)),
        ("até o dia 5 de janeiro", date(2027, 1, 5)),
        ("entro il 5 gennaio", date(2027, 1, 5)),
        ("uiterlijk op 5 januari", date(2027, 1, 5)),
    ],
)
def test_a_limit_is_found(text: str, day: date) -> None:
    assert [each.day for each in deadlines_in(text, TODAY)] == [day]


@pytest.mark.parametrize(
    "text",
    [
        "I bought it on 24.12.2026.",
        "by mail, by the way, by car",
        "until 31.02.2027",
        "until 01.01.2020",
        "until 01.01.2099",
        "standby 24.12.2026",
    ],
)
def test_what_is_no_limit_is_none(text: str) -> None:
    assert deadlines_in(text, TODAY) == ()


def test_the_nearest_stands_first_with_its_words() -> None:
    found = deadlines_in("Until 24.12.2026 or\nby  1 December; by 24.12.2026", TODAY)
    assert [(str(each.day), each.words) for each in found] == [
        ("2026-12-01", "by 1 december"),
        ("2026-12-24", "until 24.12.2026"),
    ]


WORDS = ["by", "until", "bis zum", "31.", "2.", "12", "may", "2026", "-", "\n", "within"]


@given(st.lists(st.sampled_from(WORDS)))
def test_any_text_gives_few_days_of_the_near_future(words: list[str]) -> None:
    found = deadlines_in(" ".join(words), TODAY)
    assert len(found) <= MOST
    assert all(TODAY <= each.day <= TODAY + timedelta(days=FARTHEST) for each in found)
