"""Which standard answers were given to mails like this one.

Mails are compared by their words: the cosine of the angle between them, each word weighed by how few of the
mails that were answered so have it (inverse document frequency).  No word counts that all of them have.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence

from mailproc.mime.reader import read
from mailproc.mime.tokens import words_of
from mailproc.store.canned import CannedUse

MOST_WORDS = 150  # of one mail
MOST = 5  # similar mails that count
LEAST = 0.3  # of 1.0, which two mails with the same words have


def words_about(raw: bytes | None) -> tuple[str, ...]:
    """The words of a mail by which it is compared: the longest ones, as they tell most."""
    found = words_of(read(raw)) if raw else frozenset[str]()
    return tuple(sorted(found, key=lambda word: (-len(word), word))[:MOST_WORDS])


def similar_answers(words: Collection[str], uses: Sequence[CannedUse]) -> tuple[str, ...]:
    """The names of what answered similar mails, the most similar first; none where there is no such mail."""
    rarity = _rarity(uses)
    likeness = [(_cosine(frozenset(words), use.words, rarity), use.name) for use in uses]
    alike = sorted((each for each in likeness if each[0] >= LEAST), key=lambda each: -each[0])
    return tuple(name for _, name in alike[:MOST])


def _rarity(uses: Sequence[CannedUse]) -> dict[str, float]:
    """The weight of each word; among one or two mails every word has the same."""
    if len(uses) < 3:
        return {word: 1.0 for use in uses for word in use.words}
    having = Counter(word for use in uses for word in use.words)
    return {word: math.log((1 + len(uses)) / count) for word, count in having.items()}


def _cosine(one: frozenset[str], other: frozenset[str], rarity: dict[str, float]) -> float:
    common = sum(rarity.get(word, 0.0) ** 2 for word in one & other)
    return common / (_length(one, rarity) * _length(other, rarity)) if common else 0.0


def _length(words: frozenset[str], rarity: dict[str, float]) -> float:
    """A word that nobody ever asked with weighs as much as the rarest."""
    rarest = max(rarity.values(), default=1.0)
    return math.sqrt(sum(rarity.get(word, rarest) ** 2 for word in words))
