"""The words of a mail, for the classifiers: one set per mail, the same for learning and scoring.

Words are taken from the subject and the readable text, lower-case, 3 to 12 characters long; a longer
one becomes ``skip:F LEN`` (first character and length, rounded to tens), so that its kind still counts
without filling the store.  Words of the subject are told apart by ``subject:``.  At most ``MAX_WORDS``
distinct words count, so that one stuffed mail cannot outweigh the others.  Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from mailproc.mime.reader import Mail

SHORTEST = 3
LONGEST = 12
MAX_TEXT = 65_536  # characters of the text that are looked at
MAX_WORDS = 2_000  # distinct words of one mail

_SPACE = re.compile(r"\s+")
_EDGE = "\"'`´“”„‚‘’«»‹›()[]{}<>.,;:!?…*_~|=+-–—/\\#"
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def words_of(mail: Mail) -> frozenset[str]:
    """The distinct words of a mail; without control characters and lone surrogates."""
    subject = (f"subject:{word}" for word in _words(mail.subject))
    found: set[str] = set()
    for word in _chain_limited(subject, _words(mail.text)):
        found.add(word)
        if len(found) >= MAX_WORDS:
            break
    return frozenset(found)


def _chain_limited(subject: Iterator[str], text: Iterator[str]) -> Iterator[str]:
    # Half of the room at most for the subject: a stuffed one must not hide the text.
    yield from islice(subject, MAX_WORDS // 2)
    yield from text


def _words(text: str) -> Iterator[str]:
    for raw in _SPACE.split(text[:MAX_TEXT].lower()):
        word = _UNSTORABLE.sub("", raw).strip(_EDGE)
        if len(word) > LONGEST:
            yield f"skip:{word[0]} {len(word) // 10 * 10}"
        elif len(word) >= SHORTEST:
            yield word
