"""The sender_tag stage: a tag for whom the envelope says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mailproc.pipeline.delivery import Delivery
from mailproc.stage import CONTINUE

Make = Callable[..., Delivery]


@pytest.mark.parametrize(
    ("mail_from", "tags"),
    [
        ("ann@example.com", ("gold",)),
        ("Ann@EXAMPLE.COM", ("gold",)),
        ("ann@sub.example.com", ()),
        ("ann@example.org", ()),
        ("", ()),
    ],
)
async def test_the_domain_of_the_envelope_sender_decides(
    filter_module: Callable[[str], ModuleType], delivery: Make, mail_from: str, tags: tuple[str, ...]
) -> None:
    stage = filter_module("sender_tag").Filter(domains=frozenset({"example.com"}), tag="gold")
    made = delivery(mail_from=mail_from)
    assert await stage.process(made) == CONTINUE
    assert made.tags == tags


def test_the_smallest_filter_takes_about_fifteen_lines(filter_module: Callable[[str], ModuleType]) -> None:
    file = filter_module("sender_tag").__file__
    assert file is not None
    lines = [line for line in Path(file).read_text().splitlines() if line.strip()]
    assert len(lines) <= 15
