"""The analyse stage: language, numbers and addresses."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.pipeline.delivery import Delivery
from mailproc.stage import LookUps

GERMAN = "Guten Tag, meine Bestellung ist leider immer noch nicht angekommen. Wann darf ich damit rechnen?"


@pytest.fixture
def analysed(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Callable[..., Delivery],
) -> Callable[..., Any]:
    async def analyse(text: str, subject: str = "Question", **options: Any) -> Delivery:
        stage = filter_module("analyse").Filter(**options)
        await stage.open(look_ups())
        made = delivery(text=text, subject=subject, headers="Content-Type: text/plain; charset=utf-8")
        await stage.process(made)
        return made

    return analyse


async def test_the_language_is_found_and_is_a_score(analysed: Callable[..., Any]) -> None:
    found = await analysed(GERMAN)
    assert found.language == "de"
    assert found.results[-1].scores["language"] == "de"


async def test_a_few_words_have_no_language(analysed: Callable[..., Any]) -> None:
    assert (await analysed("ok")).language == ""


async def test_patterns_of_the_configuration_become_notes(analysed: Callable[..., Any]) -> None:
    found = await analysed(
        "About order AB-1234 and order ab-1235, and AB-1234 again; customer 77.",
        subject="Order AB-9999",
        patterns={"order": r"\b(AB-[0-9]{4})\b", "customer": r"customer [0-9]+", "invoice": r"R[0-9]+"},
    )
    assert found.results[-1].notes == {"order": "AB-9999, AB-1234, ab-1235", "customer": "customer 77"}
    assert found.results[-1].scores["order"] == 3
    assert found.results[-1].scores["invoice"] == 0


async def test_addresses_phones_and_links_are_found(analysed: Callable[..., Any]) -> None:
    found = await analysed(
        "Write to bob@example.net. or ANN@example.com or support@example.org,\n"
        "or call +49 (30) 123-4567 or 030 1234567 before 01.02.2026 or see\n"
        "https://example.net/a and http://example.net/b."
    )
    assert found.results[-1].notes == {
        "addresses": "bob@example.net",
        "phones": "+49 (30) 123-4567, 030 1234567",
        "links": "2",
    }


async def test_each_finding_can_be_switched_off(analysed: Callable[..., Any]) -> None:
    off = {"language": False, "addresses": False, "phones": False, "links": False, "accounts": False}
    found = await analysed(
        f"{GERMAN} bob@example.net +49 30 1234567 https://example.net/", urgency=0.0, anger=0.0, **off
    )
    assert found.results[-1].notes == {}
    assert found.results[-1].scores == {}
    assert found.language == ""


async def test_quoted_text_is_not_searched(analysed: Callable[..., Any]) -> None:
    found = await analysed("My answer.\n\n> call +49 30 1234567\n> or write to bob@example.net\n")
    assert found.results[-1].notes == {}


async def test_few_findings_of_a_kind_are_kept(analysed: Callable[..., Any]) -> None:
    found = await analysed(" ".join(f"user{n}@example.net" for n in range(1000)))
    assert found.results[-1].scores["addresses"] == 5


async def test_a_bad_pattern_stops_the_start(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps]
) -> None:
    with pytest.raises(ValueError, match="bad pattern"):
        await filter_module("analyse").Filter(patterns={"order": "(["}).open(look_ups())


@given(st.text(alphabet=st.sampled_from("0123456789+()/.- @a:htps"), max_size=300))
async def test_any_text_gives_bounded_notes(filter_module: Callable[[str], ModuleType], text: str) -> None:
    module = filter_module("analyse")
    for pattern in (module._ADDRESS, module._PHONE, module._LINK):
        assert all(len(match.group()) < 500 for match in pattern.finditer(text))
