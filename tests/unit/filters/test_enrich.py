"""The enrich stage: what is known of the author."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from mailproc.pipeline.delivery import Delivery
from mailproc.stage import AuthorHistory, LookUps

Make = Callable[..., Delivery]


@pytest.mark.parametrize(
    ("history", "note"),
    [
        (AuthorHistory(1, 0, 0), "1 mail before, no ticket open"),
        (AuthorHistory(12, 3, 1), "12 mails before, 1 ticket open"),
        (AuthorHistory(2, 0, 2), "2 mails before, 2 tickets open"),
    ],
)
async def test_a_known_author_is_noted(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Make,
    history: AuthorHistory,
    note: str,
) -> None:
    stage = filter_module("enrich").Filter()
    await stage.open(look_ups(authors={"ann@example.com": history}))
    made = delivery(author="From: Ann@Example.COM")
    await stage.process(made)
    assert made.results[-1].notes == {"author": note}


@pytest.mark.parametrize(("author", "options"), [("From: eve@example.net", {}), ("X-No: author", {})])
async def test_nothing_known_adds_nothing(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Make,
    author: str,
    options: dict[str, bool],
) -> None:
    stage = filter_module("enrich").Filter(**options)
    await stage.open(look_ups(authors={"ann@example.com": AuthorHistory(5, 5, 5)}))
    made = delivery(author=author)
    await stage.process(made)
    assert made.results[-1].notes == {}


async def test_history_can_be_switched_off(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps], delivery: Make
) -> None:
    stage = filter_module("enrich").Filter(history=False)
    await stage.open(look_ups(authors={"ann@example.com": AuthorHistory(5, 5, 5)}))
    made = delivery()
    await stage.process(made)
    assert made.results[-1].notes == {}
    assert made.results[-1].scores == {}
