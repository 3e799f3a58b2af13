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
from mailproc.mime.tokens_mail import mail_tokens
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


async def test_a_desk_may_have_cut_offs_of_its_own(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    known_words: Callable[..., Any],
    delivery: Callable[..., Delivery],
) -> None:
    module = filter_module("spam")
    found = []
    for desk in ("support", "sales"):
        stage = module.Filter(desk={desk: module.DeskCutOffs(ham=0.0, spam=1.0)})
        await stage.open(look_ups(tokens=known_words((100, 100), SPAMMY)))
        made = delivery(text=" ".join(SPAMMY))
        await stage.process(made)
        found.append(made.spam.verdict)
    assert found == [SpamVerdict.UNSURE, SpamVerdict.SPAM]


UPSTREAM = (
    "X-Spam-Checker-Version: SpamAssassin 4.0.0 on mx.example.org\r\n"
    "X-Spam-Status: {}, score={} required=5.0 tests=BAYES_99"
)


@pytest.mark.parametrize(
    ("said", "score", "expected"),
    [("Yes", 9.1, SpamVerdict.SPAM), ("No", -2.0, SpamVerdict.HAM), ("No", 3.0, SpamVerdict.UNSURE)],
)
async def test_the_verdict_of_a_filter_before_us_may_be_taken(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Callable[..., Delivery],
    said: str,
    score: float,
    expected: SpamVerdict,
) -> None:
    mail = delivery(top=UPSTREAM.format(said, score))
    stage = filter_module("spam").Filter(upstream="verdict", upstream_hosts=frozenset({"MX.example.org"}))
    await stage.open(look_ups())
    await stage.process(mail)
    assert mail.spam.verdict is expected
    assert mail.spam.clues == (f"upstream score {score:g}", "BAYES_99")
    other = filter_module("spam").Filter(upstream="verdict", upstream_hosts=frozenset({"other.example"}))
    await other.open(look_ups())
    await other.process(mail)
    assert "not enough trained" in mail.spam.clues[0]


async def test_a_filter_before_us_is_believed_on_named_hosts_only(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps]
) -> None:
    with pytest.raises(ValueError, match="upstream_hosts"):
        await filter_module("spam").Filter(upstream="tokens").open(look_ups())


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
def test_real_mail_is_told_apart(corpus: Path) -> None:
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
    return (mail_tokens(read((corpus / path).read_bytes())) for path in paths)
