"""Teach the spam classifier, and take it back.

Every mail counts once, however often it is trained; trained as the other kind it changes sides.  What was
learnt is recorded with its words, so that it can be taken back exactly, whatever the tokenizer does by then.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from mailproc.mime.reader import read
from mailproc.mime.surgery import normalise_newlines
from mailproc.mime.tokens import words_of
from mailproc.store.protocol import Transaction


class Label(StrEnum):
    """What a mail is learnt as."""

    HAM = "ham"
    SPAM = "spam"

    @property
    def counts(self) -> dict[str, int]:
        return {"spam": int(self is Label.SPAM), "ham": int(self is Label.HAM)}


@dataclass(frozen=True, slots=True)
class Lesson:
    """A mail to learn from: its digest as LMTP would have brought it, and its words."""

    sha256: bytes
    words: frozenset[str]


def read_lesson(raw: bytes) -> Lesson:
    """The lesson in a mail; a copy with other line ends is the same one."""
    raw = normalise_newlines(raw)
    return Lesson(hashlib.sha256(raw).digest(), words_of(read(raw)))


def train(tx: Transaction, lesson: Lesson, label: Label, now: float) -> bool:
    """Learn a mail as ham or spam; False where it was learnt so before."""
    learnt = tx.tokens.learnt(lesson.sha256)
    if learnt is not None:
        if learnt[0] == label:
            return False
        untrain(tx, lesson.sha256)
    tx.tokens.add(lesson.words, **label.counts)
    tx.tokens.remember(lesson.sha256, label, lesson.words, now)
    return True


def untrain(tx: Transaction, sha256: bytes, label: Label | None = None) -> bool:
    """Take back what was learnt from a mail (as ``label``, if given); False where nothing was."""
    learnt = tx.tokens.learnt(sha256)
    if learnt is None or label not in (None, learnt[0]):
        return False
    tx.tokens.take_back(learnt[1], **Label(learnt[0]).counts)
    tx.tokens.forget(sha256)
    return True
