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
from mailproc.model.ticket import Direction, Ticket
from mailproc.store.protocol import Store, Transaction

GRACE = 60.0  # seconds in which an agent may change his mind
_AT_ONCE = 20  # tickets learnt between two looks at the clock


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


def learn_later(tx: Transaction, ticket: Ticket, label: Label, now: float) -> None:
    """An agent said what a ticket is: learn its mails after a while, unless he takes it back."""
    pending = tx.lessons.pending(ticket.id)
    if pending is not None and pending != label:
        tx.lessons.drop(ticket.id)
    else:
        tx.lessons.set(ticket.id, label, now)


async def learn_due(store: Store, now: float, grace: float = GRACE) -> int:
    """Learn the tickets whose grace is over; return how many mails were learnt."""
    due = await store.read(lambda tx: tx.lessons.said_before(now - grace, _AT_ONCE))
    return sum([await _learn(store, each.ticket, Label(each.label), now) for each in due])


async def _learn(store: Store, ticket: int, label: Label, now: float) -> int:
    raws = await store.read(lambda tx: _received(tx, ticket))
    lessons = [read_lesson(raw) for raw in raws]

    def learn(tx: Transaction) -> int:
        if tx.lessons.pending(ticket) != label:
            return 0  # taken back while the mails were read
        tx.lessons.drop(ticket)
        return sum(train(tx, lesson, label, now) for lesson in lessons)

    return await store.write(learn)


def _received(tx: Transaction, ticket: int) -> list[bytes]:
    received = [each for each in tx.tickets.messages(ticket) if each.direction is Direction.IN]
    raws = [tx.deliveries.raw(each.sha256) for each in received]
    return [raw for raw in raws if raw is not None]
