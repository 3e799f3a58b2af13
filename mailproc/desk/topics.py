"""Learn what mails are about, from what people say: the command line, a tag, a move to another desk.

A lesson is one row, so the same mail can be taught again, taught otherwise, and taken back. A desk's model
is made of all its lessons anew, in a child process that gives way to mail; what was taken back leaves no
trace in it. Nothing is ever learnt from what the model itself said.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Collection

import msgspec

from mailproc.child import ChildFailed, run_in_child
from mailproc.mime.attached import attached_texts
from mailproc.mime.reader import read
from mailproc.mime.surgery import normalise_newlines
from mailproc.mime.topic_tokens import topic_tokens
from mailproc.model.ticket import Direction, Ticket
from mailproc.model.topics import NONE
from mailproc.store.protocol import Store, StoreError, Transaction
from mailproc.store.topics import StaleModel, Unread

log = logging.getLogger("mailproc.topics")

TICK = 15.0  # seconds
GRACE = 30.0  # seconds in which a model is not learnt again, so that several lessons make one model
SHARE = 20.0  # a model that took a second to learn is not learnt again for so many seconds
DEADLINE = 3600.0  # seconds
MOST = 256 * 1024 * 1024  # bytes of a model
_AT_ONCE = 20  # mails read between two looks at the clock
_CHILD = "mailproc.desk.topics_child"


def digest_of(raw: bytes) -> bytes:
    """Names a mail, whatever its line ends."""
    return hashlib.sha256(normalise_newlines(raw)).digest()


async def tokens_of(raw: bytes, tags: Collection[str] = ()) -> frozenset[str]:
    """What a mail is judged and learnt by."""
    mail = read(normalise_newlines(raw))
    attached = await attached_texts(mail.attachments)
    return topic_tokens(mail.subject, mail.reply or mail.text, [each.text for each in attached], tags)


# What agents say


def learn_tags(tx: Transaction, ticket: Ticket, said: Collection[str], *, who: str, now: float) -> None:
    """An agent said which tags a ticket has: its topic is the first that names a topic, else the first.

    A tag that no topic is named like yet does not change what was said of the mail before.  One that the
    model had put there already is a lesson, too: now a person says so.
    """
    if not said:
        return
    known = tx.topics.counts(ticket.desk)
    named = [tag for tag in said if tag in known]
    if not named and _label(tx, ticket) is not None:
        return
    _learn(tx, ticket, (named or list(said))[0], who=who, now=now)


def forget_tags(tx: Transaction, ticket: Ticket, removed: Collection[str], *, who: str, now: float) -> None:
    """An agent took tags off a ticket: it is not about this."""
    sha256 = _first_mail(tx, ticket)
    if sha256 is not None and tx.topics.label(ticket.desk, sha256) in removed:
        tx.topics.forget(ticket.desk, sha256)
    if ticket.topic in removed:
        _correct(tx, ticket, "", who, now)
        _set_topic(tx, ticket, "")


def learn_move(tx: Transaction, ticket: Ticket, target: str, *, who: str, now: float) -> None:
    """A ticket goes to another desk: at the one where it was, that desk's name is its topic."""
    _learn(tx, ticket, target, who=who, now=now)


def _learn(tx: Transaction, ticket: Ticket, topic: str, *, who: str, now: float) -> None:
    sha256 = _first_mail(tx, ticket)
    if sha256 is None:
        return
    known = tx.topics.counts(ticket.desk)
    told = [tag for tag in tx.history.tags(ticket.id) if tag != topic and tag not in known]
    tx.topics.learn(ticket.desk, sha256, topic, now=now, who=who, tags=told)
    about = "" if topic == NONE else topic
    _correct(tx, ticket, about, who, now)
    _set_topic(tx, ticket, about)


def _correct(tx: Transaction, ticket: Ticket, topic: str, who: str, now: float) -> None:
    """Somebody says that a ticket is about something else than it was taken for."""
    before = tx.tickets.get(ticket.id).topic
    if topic != before:
        tx.history.add_event(ticket, "topic_corrected", who, f"{before or NONE} to {topic or NONE}", now)


def _label(tx: Transaction, ticket: Ticket) -> str | None:
    sha256 = _first_mail(tx, ticket)
    return None if sha256 is None else tx.topics.label(ticket.desk, sha256)


def _first_mail(tx: Transaction, ticket: Ticket) -> bytes | None:
    """The mail that opened a ticket: later ones say "thanks"."""
    received = (each for each in tx.tickets.messages(ticket.id) if each.direction is Direction.IN)
    first = next(received, None)
    return None if first is None else first.sha256


def _set_topic(tx: Transaction, ticket: Ticket, topic: str) -> None:
    tx.tickets.describe(ticket.id, topic=topic, language=ticket.language, spam=ticket.spam)


# What happens by itself


async def keep_learning(store: Store, clock: Callable[[], float]) -> None:
    """Look every few seconds for what is to be learnt,"
    " until cancelled; a long lesson keeps nobody waiting."""
    while True:
        try:
            await learn_due(store, clock())
        except StoreError as error:
            log.warning("store=%s", error)
        await asyncio.sleep(TICK)


async def learn_due(store: Store, now: float) -> int:
    """Read the mails of new lessons, and learn the models that are due again; return how much that was."""
    mails = await _read_lessons(store)
    due = [model for model in await store.read(lambda tx: tx.topics.stale()) if _is_due(model, now)]
    return mails + sum([await learn_model(store, model, now) for model in due])


def _is_due(model: StaleModel, now: float) -> bool:
    return now - model.at >= max(GRACE, SHARE * model.took)


async def _read_lessons(store: Store) -> int:
    unread = await store.read(lambda tx: tx.topics.unread(_AT_ONCE))
    for lesson in unread:
        await _read_lesson(store, lesson)
    return len(unread)


async def _read_lesson(store: Store, lesson: Unread) -> None:
    raw = await store.read(lambda tx: tx.deliveries.raw(lesson.sha256))
    tokens = await tokens_of(raw, lesson.tags) if raw is not None else frozenset[str]()
    await store.write(lambda tx: tx.topics.keep_tokens(lesson.desk, lesson.sha256, tokens))


async def learn_model(store: Store, model: StaleModel, now: float) -> int:
    """Make a desk's model of its lessons, outside of this process; 0 where that failed, which is logged."""
    lessons = await store.read(lambda tx: list(tx.topics.lessons(model.desk)))
    started = time.monotonic()
    try:
        request = msgspec.msgpack.encode(lessons)
        content = await run_in_child(_CHILD, request, seconds=DEADLINE, most=MOST)
    except (ChildFailed, OSError) as error:
        log.error("desk=%s topics=%s", model.desk or "*", error)
        return 0
    took = time.monotonic() - started
    await store.write(lambda tx: tx.topics.keep_model(model, content, took=took, now=now))
    log.info("desk=%s lessons=%d took=%.1f topics learnt", model.desk or "*", len(lessons), took)
    return 1
