"""SpamBayes' way to judge a mail: Robinson's word probabilities, combined by chi-squared.

The arithmetic is ``sbclassifier``'s, the part of SpamBayes that lives on in Python 3; it is used here
and nowhere else.  Counts from a store that several processes train are never quite consistent, and
the library asserts on that: counts are clamped on the way in.  Never raises for any counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sbclassifier import Classifier, ClassifierDb  # type: ignore[import-untyped]
from sbclassifier.classifier import WordInfo  # type: ignore[import-untyped]

from mailproc.model.judgement import SpamScore, SpamVerdict

BEST_CLUES = 10


@dataclass(frozen=True, slots=True)
class CutOffs:
    """Below ``ham`` it is ham, from ``spam`` on it is spam, between them nobody knows.

    With fewer than ``enough`` mails learnt of either kind nothing is judged.
    """

    ham: float = 0.2
    spam: float = 0.9
    enough: int = 50


def untrained(spam: int, ham: int, cut_offs: CutOffs) -> SpamScore | None:
    """The answer for a classifier that learnt too little, or None where it learnt enough."""
    if min(spam, ham) >= max(cut_offs.enough, 1):
        return None
    reason = f"not enough trained: {spam} spam and {ham} ham, {cut_offs.enough} of each needed"
    return SpamScore(0.5, SpamVerdict.UNSURE, (reason,))


def judge(totals: tuple[int, int], counts: Mapping[str, tuple[int, int]], cut_offs: CutOffs) -> SpamScore:
    """Judge a mail by its known words; all counts are (spam, ham), ``totals`` those of the mails learnt."""
    if early := untrained(*totals, cut_offs):
        return early
    known = _known_words(totals, counts)
    score, evidence = Classifier(known).spamprob(known.keys(), evidence=True)
    return SpamScore(score, _verdict(score, cut_offs), tuple(_clues(evidence)))


def _known_words(totals: tuple[int, int], counts: Mapping[str, tuple[int, int]]) -> ClassifierDb:
    known = ClassifierDb()
    known.nspam, known.nham = totals
    for word, (spam, ham) in counts.items():
        record = WordInfo()
        record.spamcount = max(0, min(spam, known.nspam))
        record.hamcount = max(0, min(ham, known.nham))
        if record.spamcount or record.hamcount:  # the library divides by their sum
            known[word] = record
    return known


def _verdict(score: float, cut_offs: CutOffs) -> SpamVerdict:
    if score >= cut_offs.spam:
        return SpamVerdict.SPAM
    return SpamVerdict.HAM if score < cut_offs.ham else SpamVerdict.UNSURE


def _clues(evidence: Iterable[tuple[str, float]]) -> list[str]:
    """The strongest words with their probabilities, strongest first."""
    words = [(word, probability) for word, probability in evidence if word not in ("*H*", "*S*")]
    words.sort(key=lambda clue: (-abs(clue[1] - 0.5), clue[0]))
    return [f"{word} {probability:.2f}" for word, probability in words[:BEST_CLUES]]
