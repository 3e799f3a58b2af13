"""Results as the usual programs write them, and what is made of each: tests/mail/auth-*.eml and .out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mailproc.pipeline.delivery import Delivery
from mailproc.stage import LookUps

MAILS = Path(__file__).resolve().parents[2] / "mail"
CASES = sorted(path.stem for path in MAILS.glob("auth-*.eml"))


@pytest.mark.parametrize("case", CASES)
async def test_results_of_usual_programs_are_read(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Callable[..., Delivery],
    case: str,
) -> None:
    stage = filter_module("auth").Filter()
    await stage.open(look_ups())
    made = delivery(raw=(MAILS / f"{case}.eml").read_bytes())
    await stage.process(made)
    assert made.results[-1].scores == json.loads((MAILS / f"{case}.out").read_text())
