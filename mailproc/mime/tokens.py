"""The words of a text, for the classifiers: one set per text, the same for learning and judging.

Words are lower-case, 2 to 24 letters and digits with the apostrophes, hyphens and points inside them; a
longer one becomes ``skip:F LEN`` (first letter and length, rounded to tens), so that its kind counts
without filling the store. Two words that stand side by side are a token too, with a space between. Scripts
without spaces (Han, Kana, Thai, …) give each two neighbouring letters. Words of the subject count twice: as
they are, and as ``subject:WORD``. ``MOST_TOKENS`` bounds what one text has, so that a stuffed one cannot
outweigh the others. Linear in the length of the text; never raises.
"""

from __future__ import annotations

import re
from itertools import pairwise, repeat
from string import ascii_lowercase, digits
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailproc.mime.reader import Mail

LONGEST = 24  # letters of a word
MOST_TEXT = 65_536  # letters that are looked at
MOST_WORDS = 2_000  # of one text, repetitions counted
MOST_SUBJECT = 200  # words of one subject
MOST_TOKENS = 2 * (MOST_WORDS + MOST_SUBJECT)

_INSIDE = "'.-"  # part of a word where letters stand on both sides
# What each letter of ASCII becomes: a small one, or a blank.
_FOLDED = "".join(each.lower() if each.isalnum() or each in _INSIDE else " " for each in map(chr, range(128)))
_NO_WORDS = frozenset(["", *ascii_lowercase, *digits])  # one letter says nothing
_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
# Scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer, Kana, Han, and Hangul, whose words
# hang together with their particles.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff]+"
)


def text_tokens(subject: str, text: str) -> frozenset[str]:
    """The distinct tokens of a subject and a text; at most ``MOST_TOKENS``."""
    words = words_in(text)
    titles = words_in(subject)[:MOST_SUBJECT]
    pairs = map(" ".join, pairwise(words))
    return frozenset([*words, *pairs, *titles, *[f"subject:{word}" for word in titles]])


def words_of(mail: Mail) -> frozenset[str]:
    """The distinct words of a mail's subject and text, by which mails are compared."""
    return frozenset(words_in(mail.subject)) | frozenset(words_in(mail.text))


def words_in(text: str) -> list[str]:
    """The words of a text in their order, at most ``MOST_WORDS``."""
    text = text[:MOST_TEXT]
    text = text if text.isascii() else text.lower()
    if text.isascii():
        return _bounded(list(map(str.strip, _split(text), repeat(_INSIDE))))
    bigrams: list[str] = []
    spaced = _UNSPACED.sub(lambda run: _note_bigrams(run[0], bigrams), text)
    return _bounded([*_WORD.findall(spaced)[:MOST_WORDS], *bigrams])


def distinct_words(text: str) -> set[str]:
    """The same as ``words_in`` without repetitions and order, and faster."""
    text = text[:MOST_TEXT]
    if not text.isascii():
        return set(words_in(text))
    words = set(map(str.strip, set(_split(text)), repeat(_INSIDE)))
    words -= _NO_WORDS
    if long := [word for word in words if len(word) > LONGEST]:
        words.difference_update(long)
        words.update(map(_shortened, long))
    return words


def _split(text: str) -> list[str]:
    """Nearly as ``_WORD`` finds them, in small letters and faster, marks still around them; ASCII only."""
    text = text.translate(_FOLDED).replace("--", " ").replace("..", " ")
    return text.split(None, MOST_WORDS)[:MOST_WORDS]


def _note_bigrams(run: str, bigrams: list[str]) -> str:
    if len(bigrams) < MOST_WORDS:
        bigrams += [run[place : place + 2] for place in range(max(len(run) - 1, 1))]
    return " "


def _bounded(words: list[str]) -> list[str]:
    kept = [word for word in words[:MOST_WORDS] if len(word) > 1]
    if kept and max(map(len, kept)) > LONGEST:
        return [word if len(word) <= LONGEST else _shortened(word) for word in kept]
    return kept


def _shortened(word: str) -> str:
    return f"skip:{word[0]} {len(word) // 10 * 10}"
