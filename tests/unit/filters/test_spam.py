"""The spam stage: unsure until trained, and then as the words say."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.bayes import CutOffs, judge
from mailproc.model.judgement import SpamScore, SpamVerdict
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import LookUps

SPAMMY = {f"cheap{n}": (90, 1) for n in range(8)}
HAMMY = {f"order{n}": (1, 90) for n in range(8)}


@pytest.fixture
def scored(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    known_words: Callable[..., Any],
    delivery: Callable[..., Delivery],
) -> Callable[..., Any]:
    async def score(text: str, totals: tuple[int, int] = (100, 100), **options: Any) -> SpamScore:
        stage = filter_module("spam").Filter(**options)
        await stage.open(look_ups(tokens=known_words(totals, {**SPAMMY, **HAMMY})))
        made = delivery(text=text)
        await stage.process(made)
        assert made.results[-1].scores["verdict"] == made.spam.verdict
        return made.spam

    return score


async def test_words_of_spam_make_spam_and_words_of_ham_make_ham(scored: Callable[..., Any]) -> None:
    spam = await scored(" ".join(SPAMMY))
    ham = await scored(" ".join(HAMMY))
    assert (spam.verdict, ham.verdict) == (SpamVerdict.SPAM, SpamVerdict.HAM)
    assert spam.score > 0.99
    assert ham.score < 0.01
    assert spam.clues[0].startswith("cheap")
    assert len((await scored(" ".join([*SPAMMY, *HAMMY]))).clues) == 10


async def test_unknown_words_leave_it_unsure(scored: Callable[..., Any]) -> None:
    assert (await scored("nothing of this was ever seen")).verdict is SpamVerdict.UNSURE


@pytest.mark.parametrize("totals", [(0, 0), (49, 100), (100, 49)])
async def test_too_little_training_judges_nothing_and_says_so(
    scored: Callable[..., Any], totals: tuple[int, int]
) -> None:
    found = await scored(" ".join(SPAMMY), totals)
    assert (found.score, found.verdict) == (0.5, SpamVerdict.UNSURE)
    assert "not enough trained" in found.clues[0]


async def test_enough_is_the_sites_to_choose(scored: Callable[..., Any]) -> None:
    assert (await scored(" ".join(SPAMMY), (49, 49), enough=10)).verdict is SpamVerdict.SPAM


async def test_an_untrained_store_is_not_asked_for_words(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    known_words: Callable[..., Any],
    delivery: Callable[..., Delivery],
) -> None:
    tokens = known_words()
    stage = filter_module("spam").Filter()
    await stage.open(look_ups(tokens=tokens))
    await stage.process(delivery())
    assert tokens.asked == 0


async def test_cut_offs_in_the_wrong_order_stop_the_start(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps]
) -> None:
    with pytest.raises(ValueError, match="ham must not be above spam"):
        await filter_module("spam").Filter(ham=0.95).open(look_ups())


COUNTS = st.integers(min_value=-5, max_value=10**7)


@given(
    totals=st.tuples(COUNTS, COUNTS),
    counts=st.dictionaries(st.text(max_size=3), st.tuples(COUNTS, COUNTS), max_size=300),
    enough=st.integers(min_value=-1, max_value=2),
)
def test_no_counts_break_the_arithmetic(
    totals: tuple[int, int], counts: dict[str, tuple[int, int]], enough: int
) -> None:
    """Several processes train at once: a word may stand in more mails than were learnt."""
    found = judge(totals, counts, CutOffs(enough=enough))
    assert 0.0 <= found.score <= 1.0
