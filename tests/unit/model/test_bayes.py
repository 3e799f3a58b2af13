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
    Lexicon,
    Strongest,
    chi_squared,
    combined,
    judge,
    probability,
)

MAILS = 100
PAIRS = st.tuples(st.integers(0, MAILS), st.integers(0, MAILS)).filter(any)


def strongest(totals: tuple[int, int], counts: dict[str, tuple[int, int]]) -> Strongest:
    return Lexicon(counts).strongest(totals, counts)


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
    found = strongest((MAILS, MAILS), counts).probabilities(most_words=150, most_clues=150)
    assert combined(found) == pytest.approx(expected, abs=1e-9)


def test_a_token_that_nobody_has_seen_says_nothing() -> None:
    assert probability(0, 0, 10, 10) == 0.5
    assert strongest((10, 10), {"word": (5, 5)}).probabilities() == []


def test_spam_and_ham_learnt_weigh_alike_however_much_of_each() -> None:
    assert probability(10, 100, 100, 1000) == 0.5


def test_a_rare_token_is_less_sure_than_a_frequent_one() -> None:
    assert 0.5 < probability(1, 0, 100, 100) < probability(10, 0, 100, 100) < 1


def test_words_cannot_push_other_clues_out() -> None:
    """Attack A27: text that was copied from good mail counts up to a bound, however much of it there is."""
    stuffing = {f"good{number}": (0, 90) for number in range(2_000)}
    clues = {f"url:evil{number}": (90, 0) for number in range(2 * MOST_WORDS)}
    totals = (100, 100)
    assert len(strongest(totals, {**stuffing, **clues}).probabilities()) == 3 * MOST_WORDS
    padded = judge(totals, {**stuffing, **clues}, CutOffs()).score
    assert judge(totals, clues, CutOffs()).score > 0.99
    assert padded > 0.5


def test_the_strongest_count_and_the_choice_is_always_the_same() -> None:
    many = {f"url:{number:04}": (1, 0) for number in range(3 * MOST_CLUES)}
    chosen = strongest((100, 100), {**many, "url:sure": (99, 0)})
    reversed_ = strongest((100, 100), {"url:sure": (99, 0), **dict(reversed(many.items()))})
    assert chosen.probabilities() == reversed_.probabilities()
    assert len(chosen.probabilities()) == MOST_CLUES
    assert chosen.shown(MOST_CLUES) == reversed_.shown(MOST_CLUES)
    names = [clue.rpartition(" ")[0] for clue in chosen.shown(MOST_CLUES)]
    assert names == ["url:sure", *(f"url:{number:04}" for number in range(MOST_CLUES - 1))]


WEIGHED = st.dictionaries(
    st.text("ab:", min_size=1, max_size=4), st.tuples(st.integers(0, 9), st.integers(0, 9))
)


@settings(deadline=None)
@given(lessons=st.lists(WEIGHED, max_size=6), totals=st.tuples(st.integers(5, 12), st.integers(5, 12)))
def test_what_is_learnt_anew_replaces_what_was_known(
    lessons: list[dict[str, tuple[int, int]]], totals: tuple[int, int]
) -> None:
    """A lexicon that was taught in steps judges as one that was made of the last counts."""
    taught = Lexicon()
    known: dict[str, tuple[int, int]] = {}
    for lesson in lessons:
        taught.learn(lesson)
        known |= lesson
        assert taught.counts(known) == {token: pair for token, pair in known.items() if pair != (0, 0)}
        found, expected = (one.judge(totals, known, CutOffs(enough=1)) for one in (taught, Lexicon(known)))
        assert (found.score, found.verdict, found.clues) == (expected.score, expected.verdict, expected.clues)
    assert len(taught) == len(known)


def test_the_farthest_from_the_middle_count_of_words_and_of_others_apart() -> None:
    """Said once more, slowly: this is what a lexicon's short cuts must come to."""
    totals = (40, 60)
    counts = {f"{kind}{n}": (n * 7 % 41, n * 5 % 61) for n in range(400) for kind in ("w", "url:")}
    found = {token: probability(*pair, *totals) for token, pair in counts.items()}
    strong = {token: p for token, p in found.items() if abs(p - 0.5) >= 0.1}
    order = sorted(strong, key=lambda token: (-abs(strong[token] - 0.5), strong[token], token))
    words = [strong[token] for token in order if ":" not in token][:MOST_WORDS]
    others = [strong[token] for token in order if ":" in token][:MOST_CLUES]
    chosen = strongest(totals, counts)
    said = chosen.probabilities()
    assert sorted(said[: len(words)]) == sorted(words)
    assert sorted(said[len(words) :]) == sorted(others)
    by_name = sorted(strong, key=lambda token: (-abs(strong[token] - 0.5), token))
    assert chosen.shown(30) == tuple(f"{token} {strong[token]:.2f}" for token in by_name[:30])


def test_counts_that_no_token_has_any_more_are_cleared_away() -> None:
    lexicon = Lexicon({"every": (0, 1)})
    for number in range(2, 3_000):
        lexicon.learn({"every": (0, number), "other": (number, 0)})
    assert lexicon.counts(["every", "other", "unheard"]) == {"every": (0, 2_999), "other": (2_999, 0)}
    assert len(lexicon._pairs) < 1_100


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
