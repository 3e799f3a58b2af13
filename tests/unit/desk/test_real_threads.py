"""Follow-up detection on two real mailing lists, against their truth tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.threads import LISTS, replay
from mailproc.model.desk import ForwardPolicy

# The truth tables know only In-Reply-To; these carry on a thread without it: docs/reference/follow-up.md.
WRONG_IN_THE_TABLES = {
    "threads/usrp-users/01293.eml",
    "threads/linux-man/00109.eml",
    "threads/linux-man/00530.eml",
}


@pytest.mark.corpus
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("at_once", [False, True])
async def test_real_threads_are_joined_and_none_is_joined_to_another(
    corpus: Path, name: str, at_once: bool
) -> None:
    figures = await replay(corpus, name, forward=ForwardPolicy.NEW, at_once=at_once)
    assert figures.counts["joinable"] > 400
    assert figures.counts["right"] >= 0.995 * figures.counts["joinable"]
    assert {example.split()[0] for example in figures.examples["wrong"]} <= WRONG_IN_THE_TABLES
