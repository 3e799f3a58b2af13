"""SpamBayes' way to judge a mail: Robinson's probabilities of its tokens, combined by Fisher's chi-squared.

A token's probability is ``f = (S·X + n·p) / (S + n)``, where ``p`` is the share of spam among the mails
that had it (as if as much ham as spam had been learnt) and ``n`` how many there were (Robinson, "A
Statistical Approach to the Spam Problem", 2003). The strongest tokens make two sums, one for spam and one
for ham, and chi-squared says how improbable each is by chance. A mail that speaks for both, or for neither,
is near 0.5.

Two bounds keep anyone from buying a good score with text: at most ``MOST_WORDS`` words of the text count,
beside ``MOST_CLUES`` others (docs/filters/spam.md). Counts from a store that several processes train are
never quite consistent: they are clamped on the way in. Never raises for any counts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from heapq import nsmallest

from mailproc.model.judgement import SpamScore, SpamVerdict

Counts = tuple[int, int]  # in how many spam and ham mails

MOST_WORDS = 30  # words of the text that count
MOST_CLUES = 120  # tokens of other kinds that count; they hold a colon
BEST_CLUES = 10  # shown
UNKNOWN = 0.5  # X: the probability of a token that nobody has seen
STRENGTH = 0.45  # S: how many mails that belief is worth
WEAKEST = 0.1  # a token that is nearer to 0.5 says nothing

_STRONG_HAM, _STRONG_SPAM = UNKNOWN - WEAKEST, UNKNOWN + WEAKEST
_SMALLEST = 1e-200


@dataclass(frozen=True, slots=True)
class CutOffs:
    """Below ``ham`` it is ham, from ``spam`` on it is spam, between them nobody knows.

    With fewer than ``enough`` mails learnt of either kind nothing is judged.
    """

    ham: float = 0.2
    spam: float = 0.9
    enough: int = 50

    def __post_init__(self) -> None:
        if not 0 <= self.ham <= self.spam <= 1:
            raise ValueError("ham must not be above spam, and both are from 0 to 1")


def untrained(spam: int, ham: int, cut_offs: CutOffs) -> SpamScore | None:
    """The answer for a classifier that learnt too little, or None where it learnt enough."""
    if min(spam, ham) >= max(cut_offs.enough, 1):
        return None
    reason = f"not enough trained: {spam} spam and {ham} ham, {cut_offs.enough} of each needed"
    return SpamScore(0.5, SpamVerdict.UNSURE, (reason,))


def judge(totals: Counts, counts: Mapping[str, Counts], cut_offs: CutOffs) -> SpamScore:
    """Judge a mail by its known tokens; all counts are (spam, ham), ``totals`` those of the mails learnt."""
    if early := untrained(*totals, cut_offs):
        return early
    clues = strongest(totals, counts)
    score = combined([found for found, _ in clues])
    return SpamScore(score, verdict_of(score, cut_offs), _shown(clues))


def verdict_of(score: float, cut_offs: CutOffs) -> SpamVerdict:
    if score >= cut_offs.spam:
        return SpamVerdict.SPAM
    return SpamVerdict.HAM if score < cut_offs.ham else SpamVerdict.UNSURE


Clue = tuple[float, str]  # probability, token


def strongest(
    totals: Counts, counts: Mapping[str, Counts], most_words: int = MOST_WORDS, most_clues: int = MOST_CLUES
) -> list[Clue]:
    """The tokens that decide: of both kinds the farthest from 0.5."""
    known = _probabilities(*totals)
    words: defaultdict[float, list[str]] = defaultdict(list)
    others: defaultdict[float, list[str]] = defaultdict(list)
    for token, pair in counts.items():
        found = known[pair]
        if found <= _STRONG_HAM or found >= _STRONG_SPAM:
            (others if ":" in token else words)[found].append(token)
    return _first(words, most_words) + _first(others, most_clues)


def _first(tokens: dict[float, list[str]], most: int) -> list[Clue]:
    """The strongest tokens; of equal ones the first by name, so that each run is alike."""
    chosen: list[Clue] = []
    for found in sorted(tokens, key=lambda each: (-abs(each - 0.5), each)):
        some, room = tokens[found], most - len(chosen)
        if room <= 0:
            break
        chosen += [(found, token) for token in (some if len(some) <= room else sorted(some)[:room])]
    return chosen


def _order(clue: Clue) -> tuple[float, str]:
    return -abs(clue[0] - 0.5), clue[1]


class _Probabilities(dict[Counts, float]):
    """Of tokens by their counts, each computed once: most tokens stood in few mails, so they are few."""

    def __init__(self, spam_mails: int, ham_mails: int) -> None:
        self._totals = (spam_mails, ham_mails)

    def __missing__(self, pair: Counts) -> float:
        found = self[pair] = probability(*pair, *self._totals)
        return found


_probabilities = lru_cache(maxsize=8)(_Probabilities)


def probability(spam: int, ham: int, spam_mails: int, ham_mails: int) -> float:
    """Of a mail with a token that stood in so many spam and ham mails; 0.5 for one that nobody has seen."""
    spam_mails, ham_mails = max(spam_mails, 1), max(ham_mails, 1)
    spam, ham = max(0, min(spam, spam_mails)), max(0, min(ham, ham_mails))
    seen = spam + ham
    if not seen:
        return UNKNOWN
    spam_share, ham_share = spam / spam_mails, ham / ham_mails
    return (STRENGTH * UNKNOWN + seen * spam_share / (spam_share + ham_share)) / (STRENGTH + seen)


def combined(probabilities: Iterable[float]) -> float:
    """One score from 0 to 1 for independent probabilities; 0.5 for none."""
    spam = ham = 1.0
    spam_exponent = ham_exponent = number = 0
    for each in probabilities:
        number += 1
        spam *= 1.0 - each
        ham *= each
        if spam < _SMALLEST:
            spam, shift = math.frexp(spam)
            spam_exponent += shift
        if ham < _SMALLEST:
            ham, shift = math.frexp(ham)
            ham_exponent += shift
    if not number:
        return 0.5
    for_ham = chi_squared(-2.0 * (math.log(spam) + spam_exponent * math.log(2)), 2 * number)
    for_spam = chi_squared(-2.0 * (math.log(ham) + ham_exponent * math.log(2)), 2 * number)
    return (for_spam - for_ham + 1.0) / 2.0


def chi_squared(sum_of_squares: float, freedom: int) -> float:
    """How probable a sum at least so great is by chance; ``freedom`` is even."""
    half = sum_of_squares / 2.0
    total = term = math.exp(-half)
    for step in range(1, freedom // 2):
        term *= half / step
        total += term
    return min(total, 1.0)


def _shown(clues: list[Clue]) -> tuple[str, ...]:
    """The strongest tokens with their probabilities, strongest first."""
    return tuple(f"{token} {found:.2f}" for found, token in nsmallest(BEST_CLUES, clues, key=_order))
