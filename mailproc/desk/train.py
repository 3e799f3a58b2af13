"""Teach the spam classifier, and take it back.

Only what a person said is learnt, never a score of ours. Every mail counts once, however often it is
trained; trained as the other kind it changes sides. What was learnt is recorded with its tokens and its
agent, so that it can be taken back exactly, and all counts can be made again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mailproc.mime.reader import read
from mailproc.mime.surgery import normalise_newlines
from mailproc.mime.tokens_mail import mail_tokens
from mailproc.model.ticket import Direction, Ticket
from mailproc.store.lessons import LessonDue
from mailproc.store.protocol import BucketAway, Store, Transaction

log = logging.getLogger("mailproc.spam")

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
    """A mail to learn from: its digest as LMTP would have brought it, and its tokens."""

    sha256: bytes
    words: frozenset[str]


def upstream_of(options: Mapping[str, object]) -> frozenset[str]:
    """The hosts whose spam filter is learnt from, by the options of the stage ``spam``."""
    hosts = options.get("upstream_hosts")
    if options.get("upstream") != "tokens" or not isinstance(hosts, Collection):
        return frozenset()
    return frozenset(str(host).lower() for host in hosts)


def read_lesson(raw: bytes, upstream_hosts: Collection[str] = ()) -> Lesson:
    """The lesson in a mail; a copy with other line ends is the same one."""
    raw = normalise_newlines(raw)
    return Lesson(hashlib.sha256(raw).digest(), mail_tokens(read(raw), upstream_hosts))


def train(tx: Transaction, lesson: Lesson, label: Label, now: float, agent: str = "") -> bool:
    """Learn a mail as ham or spam; False where it was learnt so before."""
    learnt = tx.tokens.learnt(lesson.sha256)
    if learnt is not None:
        if learnt[0] == label:
            return False
        untrain(tx, lesson.sha256)
    tx.tokens.add(lesson.words, **label.counts)
    tx.tokens.remember(lesson.sha256, label, lesson.words, now, agent)
    return True


def untrain(tx: Transaction, sha256: bytes, label: Label | None = None) -> bool:
    """Take back what was learnt from a mail (as ``label``, if given); False where nothing was."""
    learnt = tx.tokens.learnt(sha256)
    if learnt is None or label not in (None, learnt[0]):
        return False
    tx.tokens.take_back(learnt[1], **Label(learnt[0]).counts)
    tx.tokens.forget(sha256)
    return True


def untrain_agent(tx: Transaction, agent: str, since: float = 0.0) -> int:
    """Take back all that one agent taught since a time; return how many mails that were."""
    return sum(untrain(tx, each.sha256) for each in tx.tokens.all_learnt(agent, since))


def rebuild(tx: Transaction, upstream_hosts: Collection[str] = ()) -> tuple[int, int]:
    """Make all counts again from what was learnt; return how many mails were read again, of how many.

    A mail that the database still has is read anew, as a newer tokenizer may see more in it; for the others,
    those in a bucket too, their recorded tokens stand.
    """
    everything = tx.tokens.all_learnt()
    tx.tokens.drop_counts()
    anew = 0
    for each in everything:
        learnt, raw = tx.tokens.learnt(each.sha256), tx.deliveries.raw_here(each.sha256)
        words = learnt[1] if learnt else frozenset[str]()
        if raw is not None:
            words, anew = read_lesson(raw, upstream_hosts).words, anew + 1
        tx.tokens.forget(each.sha256)
        tx.tokens.add(words, **Label(each.label).counts)
        tx.tokens.remember(each.sha256, each.label, words, each.at, each.agent)
    return anew, len(everything)


def learn_later(tx: Transaction, ticket: Ticket, label: Label, now: float, agent: str = "") -> None:
    """An agent said what a ticket is: learn its mails after a while, unless he takes it back."""
    pending = tx.lessons.pending(ticket.id)
    if pending is not None and pending != label:
        tx.lessons.drop(ticket.id)
    else:
        tx.lessons.set(ticket.id, label, now, agent)


async def learn_due(
    store: Store, now: float, grace: float = GRACE, upstream_hosts: Collection[str] = ()
) -> int:
    """Learn the tickets whose grace is over; return how many mails were learnt."""
    due = await store.read(lambda tx: tx.lessons.said_before(now - grace, _AT_ONCE))
    return sum([await _learn(store, each, now, upstream_hosts) for each in due])


async def _learn(store: Store, due: LessonDue, now: float, upstream_hosts: Collection[str]) -> int:
    try:
        raws = await store.read(lambda tx: _received(tx, due.ticket))
    except BucketAway as away:
        log.warning("ticket_row=%d learnt later: %s", due.ticket, away)
        return 0
    lessons = [read_lesson(raw, upstream_hosts) for raw in raws]

    def learn(tx: Transaction) -> int:
        if tx.lessons.pending(due.ticket) != due.label:
            return 0  # taken back while the mails were read
        tx.lessons.drop(due.ticket)
        return sum(train(tx, lesson, Label(due.label), now, due.agent) for lesson in lessons)

    return await store.write(learn)


def _received(tx: Transaction, ticket: int) -> list[bytes]:
    received = [each for each in tx.tickets.messages(ticket) if each.direction is Direction.IN]
    raws = [tx.deliveries.raw(each.sha256) for each in received]
    return [raw for raw in raws if raw is not None]
