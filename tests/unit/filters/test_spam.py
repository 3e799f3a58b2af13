"""The spam stage: unsure until trained, and then as the words say."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.mime.reader import read
from mailproc.mime.tokens import words_of
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
        await filter_module("spam").Filter(ham=0.995).open(look_ups())


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


@pytest.mark.corpus
def test_real_mail_is_told_apart_by_plain_words(corpus: Path) -> None:
    """Learns 400 mails of each kind and judges 200 others of each; ham must never be called spam."""
    totals, counts, verdicts = [0, 0], dict[str, list[int]](), Counter[tuple[str, str]]()
    for kind, label in enumerate(("spam", "ham")):
        for words in islice(_real_mails(corpus, label), 400):
            totals[kind] += 1
            for word in words:
                counts.setdefault(word, [0, 0])[kind] += 1
    learnt = {word: (spam, ham) for word, (spam, ham) in counts.items()}
    for label in ("spam", "ham"):
        for words in islice(_real_mails(corpus, label), 400, 600):
            known = {word: learnt[word] for word in words & learnt.keys()}
            verdicts[label, judge((totals[0], totals[1]), known, CutOffs()).verdict] += 1
    assert verdicts["ham", SpamVerdict.SPAM] <= 1
    assert verdicts["spam", SpamVerdict.HAM] <= 5
    assert verdicts["ham", SpamVerdict.HAM] >= 155
    assert verdicts["spam", SpamVerdict.SPAM] >= 155


def _real_mails(corpus: Path, label: str) -> Iterator[frozenset[str]]:
    """The words of mails with this label, in an order that is always the same."""
    with (corpus / "MANIFEST.tsv").open(encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t") if row["label"] == label]
    paths = [row["path"] for row in rows if row["set"] in ("spamassassin", "csdmc2010")]
    random.Random(label).shuffle(paths)
    return (words_of(read((corpus / path).read_bytes())) for path in paths)
