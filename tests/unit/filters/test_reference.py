"""The reference in docs/filters is true: its examples load, and it names every option and score."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailproc.model.mistake import Mistake
from mailproc.model.option import build, fields_of
from mailproc.pipeline.scores import published_scores
from mailproc.stage import LookUps

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["acknowledge", "analyse", "auth", "enrich", "route", "rspamd", "spam", "virus"]
TOML = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (ROOT / "docs" / "filters" / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
async def test_the_examples_load(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps], name: str
) -> None:
    options: dict[str, Any] = tomllib.loads("\n".join(TOML.findall(page(name))))["stage"][name]
    mistakes: list[Mistake] = []
    stage = build(filter_module(name).Filter, options, ("stage", name), mistakes)
    assert mistakes == []
    assert stage is not None
    await stage.open(look_ups())


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_explained(filter_module: Callable[[str], ModuleType], name: str) -> None:
    text = page(name)
    assert [option for option in fields_of(filter_module(name).Filter) if option not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_score_is_named(name: str) -> None:
    scores = published_scores([ROOT / "filters" / f"{name}.py"]) or frozenset()
    assert [score for score in sorted(scores) if f"{name}.{score}" not in page(name)] == []


def test_the_example_of_a_template_is_one(filter_module: Callable[[str], ModuleType]) -> None:
    (example,) = re.findall(r"^```\n(Subject:.*?)^```", page("acknowledge"), re.MULTILINE | re.DOTALL)
    filter_module("acknowledge").read_template(example)
