"""Robinson's probabilities and chi-squared, held against SpamBayes' own code."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sbclassifier import Classifier, ClassifierDb  # type: ignore[import-untyped]
from sbclassifier.classifier import WordInfo  # type: ignore[import-untyped]

from mailproc.model.bayes import (
    MOST_CLUES,
    MOST_WORDS,
    CutOffs,
    chi_squared,
    combined,
    judge,
    probability,
    strongest,
)

MAILS = 100
PAIRS = st.tuples(st.integers(0, MAILS), st.integers(0, MAILS)).filter(any)


@settings(deadline=None)  # a machine may be busy
@given(st.dictionaries(st.text("abc:", min_size=1, max_size=6), PAIRS, max_size=100))
def test_scores_are_those_of_spambayes(counts: dict[str, tuple[int, int]]) -> None:
    """Up to its 150 tokens, where it makes no difference between words and others."""
    known = ClassifierDb()
    known.nspam = known.nham = MAILS
    for token, (spam, ham) in counts.items():
        known[token] = record = WordInfo()
        record.spamcount, record.hamcount = spam, ham
    expected = Classifier(known).spamprob(counts)
    clues = strongest((MAILS, MAILS), counts, most_words=150, most_clues=150)
    assert combined([found for found, _ in clues]) == pytest.approx(expected, abs=1e-9)


def test_a_token_that_nobody_has_seen_says_nothing() -> None:
    assert probability(0, 0, 10, 10) == 0.5
    assert strongest((10, 10), {"word": (5, 5)}) == []


def test_spam_and_ham_learnt_weigh_alike_however_much_of_each() -> None:
    assert probability(10, 100, 100, 1000) == 0.5


def test_a_rare_token_is_less_sure_than_a_frequent_one() -> None:
    assert 0.5 < probability(1, 0, 100, 100) < probability(10, 0, 100, 100) < 1


def test_words_cannot_push_other_clues_out() -> None:
    """Attack A27: text that was copied from good mail counts up to a bound, however much of it there is."""
    stuffing = {f"good{number}": (0, 90) for number in range(2_000)}
    clues = {f"url:evil{number}": (90, 0) for number in range(2 * MOST_WORDS)}
    totals = (100, 100)
    assert len(strongest(totals, {**stuffing, **clues})) == 3 * MOST_WORDS
    padded = judge(totals, {**stuffing, **clues}, CutOffs()).score
    assert judge(totals, clues, CutOffs()).score > 0.99
    assert padded > 0.5


def test_the_strongest_count_and_the_choice_is_always_the_same() -> None:
    many = {f"url:{number:04}": (1, 0) for number in range(3 * MOST_CLUES)}
    chosen = strongest((100, 100), {**many, "url:sure": (99, 0)})
    assert chosen == strongest((100, 100), {"url:sure": (99, 0), **dict(reversed(many.items()))})
    assert chosen[0][1] == "url:sure"
    assert len(chosen) == MOST_CLUES
    assert chosen[1][1] == "url:0000"


def test_chi_squared_is_that_of_the_tables() -> None:
    assert chi_squared(18.307, 10) == pytest.approx(0.05, abs=1e-4)
    assert chi_squared(0.0, 2) == 1.0
    assert chi_squared(5_000.0, 300) == 0.0


def test_nothing_known_is_unsure() -> None:
    assert combined([]) == 0.5
    assert judge((100, 100), {}, CutOffs()).score == 0.5


def test_clues_stand_the_strongest_first() -> None:
    counts = {"weak": (60, 30), "url:strong": (90, 0), "middle": (0, 20)}
    found = judge((100, 100), counts, CutOffs())
    assert [clue.rpartition(" ")[0] for clue in found.clues] == ["url:strong", "middle", "weak"]


@pytest.mark.parametrize(("ham", "spam"), [(0.5, 0.4), (-0.1, 0.9), (0.2, 1.1)])
def test_cut_offs_make_sense(ham: float, spam: float) -> None:
    with pytest.raises(ValueError, match="ham must not be above spam"):
        CutOffs(ham=ham, spam=spam)
