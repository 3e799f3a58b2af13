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
from bisect import bisect
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import repeat
from types import MappingProxyType

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
_UNSEEN = (0, 0)
_PAIRS_LEFT = 1_000  # counts that tokens had before; they are cleared away when they are more


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
    return Lexicon(counts).judge(totals, counts.keys(), cut_offs)


def verdict_of(score: float, cut_offs: CutOffs) -> SpamVerdict:
    if score >= cut_offs.spam:
        return SpamVerdict.SPAM
    return SpamVerdict.HAM if score < cut_offs.ham else SpamVerdict.UNSURE


class Lexicon:
    """Tokens and their counts, held so that mails are judged fast.

    Tokens with equal counts share a number: most stood in few mails, so that a mail of some hundred tokens
    has some fifty numbers.  Those of words are even, those of other tokens odd.
    """

    def __init__(self, counts: Mapping[str, Counts] = MappingProxyType({})) -> None:
        self._begin()
        self.learn(counts)

    @classmethod
    def of_many(cls, counts: Mapping[str, Counts]) -> Lexicon:
        """The same, its frequent tokens side by side in memory: a mail's are found in a third less time."""
        order = sorted(counts, key=lambda token: sum(counts[token]), reverse=True)
        return cls({_copy(token): counts[token] for token in order})

    def _begin(self) -> None:
        self._numbers: dict[str, int] = {}
        self._pairs = [_UNSEEN]  # by half the number
        self._shared = {_UNSEEN: (0, 1)}  # the two numbers of equal counts, each one object
        self._weights = _Weights((0, 0))

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, token: object) -> bool:
        return token in self._numbers

    def learn(self, counts: Mapping[str, Counts]) -> None:
        """Take these counts in place of what was known of their tokens; (0, 0) where nobody has seen it."""
        if len(self._pairs) > 2 * len(self._numbers) + _PAIRS_LEFT:  # most of them are those of no token now
            counts = {**self.counts(self._numbers), **counts}
            self._begin()
        shared, pairs = self._shared, self._pairs
        for pair in set(counts.values()).difference(shared):
            shared[pair] = (2 * len(pairs), 2 * len(pairs) + 1)
            pairs.append(pair)
        self._numbers.update({token: shared[pair][":" in token] for token, pair in counts.items()})

    def counts(self, tokens: Iterable[str]) -> dict[str, Counts]:
        """In how many spam and ham mails each stood; those that nobody has seen are left out."""
        number_of, pairs = self._numbers.get, self._pairs
        return {token: pairs[number >> 1] for token in tokens if (number := number_of(token, 0)) > 1}

    def judge(self, totals: Counts, tokens: Collection[str], cut_offs: CutOffs) -> SpamScore:
        """Judge a mail by its distinct tokens; ``totals`` are the mails learnt as spam and as ham."""
        if early := untrained(*totals, cut_offs):
            return early
        strongest = self.strongest(totals, tokens)
        score = combined(strongest.probabilities())
        return SpamScore(score, verdict_of(score, cut_offs), strongest.shown)

    def strongest(self, totals: Counts, tokens: Collection[str]) -> Strongest:
        """The tokens that decide."""
        if self._weights.totals != totals:
            self._weights = _Weights(totals)
        numbers = list(map(self._numbers.get, tokens, repeat(0)))
        return Strongest(tokens, self._weights.of(numbers, self._pairs))


def _copy(token: str) -> str:
    return (token + " ")[:-1]


class _Weights:
    """By a token's number its probability, that of a word below zero, and 0.0 where it says nothing.

    Each is computed once, until more was learnt.
    """

    def __init__(self, totals: Counts) -> None:
        self.totals = totals
        self._known: list[float | None] = []

    def of(self, numbers: Sequence[int], pairs: Sequence[Counts]) -> list[float]:
        """The weights of these numbers; ``pairs`` are the counts that half of a number stands for."""
        known = self._known
        known.extend([None] * (2 * len(pairs) - len(known)))
        found = list(map(known.__getitem__, numbers))
        if None in found:
            for number in [number for number in numbers if known[number] is None]:
                weight = probability(*pairs[number >> 1], *self.totals)
                weight = 0.0 if _STRONG_HAM < weight < _STRONG_SPAM else weight
                known[number] = weight if number & 1 else -weight
            found = list(map(known.__getitem__, numbers))
        return found  # type: ignore[return-value]  # none is None any more


class Strongest:
    """The tokens of a mail that decide: of words and of others those that are the farthest from 0.5."""

    def __init__(self, tokens: Collection[str], weights: Sequence[float]) -> None:
        """``weights`` are those of the tokens, as ``_Weights`` has them."""
        self._tokens = tokens
        self._weights = weights

    def probabilities(self, most_words: int = MOST_WORDS, most_clues: int = MOST_CLUES) -> list[float]:
        """Of so many words and of so many other tokens; of equally strong ones those of ham come first."""
        weights = sorted(filter(None, self._weights))
        others = bisect(weights, 0.0)
        words = list(map(abs, reversed(weights[:others])))
        return _farthest(words, most_words) + _farthest(weights[others:], most_clues)

    def shown(self, most: int = BEST_CLUES) -> tuple[str, ...]:
        """The strongest tokens with their probabilities; of equally strong ones the first by name."""
        weighed = zip(map(abs, self._weights), self._tokens, strict=True)
        best = nsmallest(most, [clue for clue in weighed if clue[0]], key=_order)
        return tuple([f"{token} {found:.2f}" for found, token in best])


def _farthest(ascending: list[float], most: int) -> list[float]:
    """So many of these probabilities as are the farthest from 0.5."""
    if most >= len(ascending):
        return ascending
    first, last = 0, len(ascending)
    for _ in range(most):
        if 0.5 - ascending[first] >= ascending[last - 1] - 0.5:
            first += 1
        else:
            last -= 1
    return ascending[:first] + ascending[last:]


def _order(clue: tuple[float, str]) -> tuple[float, str]:
    return -abs(clue[0] - 0.5), clue[1]


def probability(spam: int, ham: int, spam_mails: int, ham_mails: int) -> float:
    """Of a mail with a token that stood in so many spam and ham mails; 0.5 for one that nobody has seen."""
    spam_mails, ham_mails = max(spam_mails, 1), max(ham_mails, 1)
    spam, ham = max(0, min(spam, spam_mails)), max(0, min(ham, ham_mails))
    seen = spam + ham
    if not seen:
        return UNKNOWN
    spam_share, ham_share = spam / spam_mails, ham / ham_mails
    return (STRENGTH * UNKNOWN + seen * spam_share / (spam_share + ham_share)) / (STRENGTH + seen)


def combined(probabilities: Sequence[float]) -> float:
    """One score from 0 to 1 for independent probabilities; 0.5 for none."""
    if not probabilities:
        return 0.5
    freedom = 2 * len(probabilities)
    for_ham = chi_squared(-2.0 * _log_of_product([1.0 - each for each in probabilities]), freedom)
    for_spam = chi_squared(-2.0 * _log_of_product(probabilities), freedom)
    return (for_spam - for_ham + 1.0) / 2.0


def _log_of_product(factors: Sequence[float]) -> float:
    """Also where the product is too small for a number; factors are from 0 to 1."""
    product = math.prod(factors)
    if product >= _SMALLEST:
        return math.log(product)
    product, exponent = 1.0, 0
    for each in factors:
        product *= each
        if product < _SMALLEST:
            product, shift = math.frexp(product)
            exponent += shift
    return math.log(product) + exponent * math.log(2)


def chi_squared(sum_of_squares: float, freedom: int) -> float:
    """How probable a sum at least so great is by chance; ``freedom`` is even."""
    half = sum_of_squares / 2.0
    total = term = math.exp(-half)
    for step in range(1, freedom // 2):
        term *= half / step
        total += term
    return min(total, 1.0)
