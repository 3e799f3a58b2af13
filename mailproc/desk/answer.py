"""The decision about an agent's answer, in one transaction.

An answer leaves if nobody else holds the ticket or answered the same turn of it, and no newer mail of the
customer came: one conditional UPDATE (``Answers.take_turn``) says so.  What it does not let through is held,
or refused where the site wants that, and so is a repetition of the agent's own.  An answer that leaves claims
the ticket for its author.

TicketChanged: the ticket is not what the answer was prepared for; look it up and prepare again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from mailproc.desk.change import follow_merges
from mailproc.desk.claim import claim
from mailproc.desk.departure import ANSWERS_NOTHING, depart, item_key
from mailproc.desk.held import hold
from mailproc.desk.obstacle import Obstacle, obstacle, repeated
from mailproc.desk.site import Site
from mailproc.mime.rewrite import RewritePlan, rewrite
from mailproc.mime.surgery import replace as replace_field
from mailproc.model.desk import Desk
from mailproc.model.follow_up import IdKind
from mailproc.model.held import HoldReason
from mailproc.model.outbox import NewItem, OutboxKind
from mailproc.model.reply import ACCEPTED, Reply
from mailproc.model.ticket import Direction, Message, MessageStatus, Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.submissions import NewSubmission
from mailproc.store.tickets import NewMessage, TicketChanged

WINDOW = 604_800.0  # seconds: how long a client may repeat a mail whose 250 it did not see
HELD = Reply(250, "2.0.0", "Held: a mail says why")
NEVER_HELD_ONLY = frozenset({HoldReason.INCOMPLETE, HoldReason.REVIEW})  # no second answers


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is ready to leave but for its Message-ID."""

    agent: str
    desk: Desk
    submission: NewSubmission
    named: tuple[str, ...]  # the Message-IDs that it answers
    written: float  # when, by its Date
    text: bytes  # the agent's mail as it is to be rewritten
    plan: RewritePlan  # the header of what leaves …
    number: str  # … for this ticket
    draft: bytes  # what leaves, but for its Message-ID
    recipients: tuple[str, ...]
    subject: str
    is_answer: bool = True  # the customer is among the recipients
    incomplete: str = ""  # why it cannot leave as it is
    canned: tuple[str, ...] = ()  # the standard answers in it …
    about: tuple[str, ...] = ()  # … and the words of the customer's mail


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of an answer: its message, and what stands against it."""

    reply: Reply
    message: int | None = None
    against: Obstacle | None = None


def file_answer(
    tx: Transaction, site: Site, ticket: Ticket, answer: Answer, *, refuse_second: bool, now: float
) -> Filed:
    """Send an answer, hold it or refuse it; part of the transaction that records the submission."""
    ticket = follow_merges(tx, tx.tickets.get(ticket.id))
    if ticket.desk != answer.desk.name:
        raise TicketChanged(ticket.number)
    turn = ANSWERS_NOTHING
    if answer.is_answer:
        turn = tx.answers.turn_of(ticket.id, answer.named, answer.written)
    against = _against(tx, ticket, answer, turn)
    if against is not None and refuse_second and against.reason not in NEVER_HELD_ONLY:
        tx.history.add_event(ticket, "refused", answer.agent, against.detail, now)
        return Filed(refusal(ticket, against), against=against)
    message = _keep(tx, site, ticket, answer, turn, against, now)
    _remember(tx, ticket, answer, now)
    if against is None:
        depart(tx, site, tx.tickets.get(ticket.id), message, turn, now)
        return Filed(ACCEPTED, message.id)
    if against.reason is HoldReason.REVIEW and not ticket.owner:
        ticket = claim(tx, answer.desk, ticket, agent=answer.agent, now=now)
    hold(tx, site, ticket, message, against, now)
    return Filed(HELD, message.id, against)


def refusal(ticket: Ticket, against: Obstacle) -> Reply:
    """One short line that the agent's mail client shows."""
    return Reply(550, "5.7.1", f"Not sent, ticket {ticket.number}: {against.detail}")


def _against(tx: Transaction, ticket: Ticket, answer: Answer, turn: int) -> Obstacle | None:
    """What stands against the answer; where nothing does, its turn is taken."""
    earlier = _earlier(tx, ticket, answer, turn)
    if earlier is not None:
        return repeated(tx, earlier)
    needs_review = answer.agent in answer.desk.review
    if answer.incomplete or needs_review or turn == ANSWERS_NOTHING:
        against = None if turn == ANSWERS_NOTHING else obstacle(tx, ticket, turn, answer.agent)
        return against or _own_obstacle(answer, needs_review=needs_review)
    if tx.answers.take_turn(ticket.id, turn, answer.agent):
        return None
    against = obstacle(tx, ticket, turn, answer.agent)
    if against is None:
        raise TicketChanged(ticket.number)  # what stood against it is over by now
    return against


def _own_obstacle(answer: Answer, *, needs_review: bool) -> Obstacle | None:
    if answer.incomplete:
        return Obstacle(HoldReason.INCOMPLETE, answer.incomplete)
    return Obstacle(HoldReason.REVIEW, "another agent must approve it") if needs_review else None


def _earlier(tx: Transaction, ticket: Ticket, answer: Answer, turn: int) -> int | None:
    """The message that this one repeats: the same Message-ID lately, or the same text for the same turn."""
    new = answer.submission
    lately = tx.submissions.with_message_id(new.agent, new.message_id, new.at - WINDOW)
    return (lately if new.message_id else None) or tx.submissions.with_text(
        new.agent, ticket.id, new.text, turn
    )


def _keep(
    tx: Transaction,
    site: Site,
    ticket: Ticket,
    answer: Answer,
    turn: int,
    against: Obstacle | None,
    now: float,
) -> Message:
    """Store the answer as a message of its ticket, and put it into the outbox."""
    message = tx.tickets.add_message(ticket, _new_message(answer, held=against is not None, now=now))
    message_id = site.keyring.message_id(ticket.number, message, site.hostname)
    content = _content(site, ticket, answer, message_id)
    sha256 = hashlib.sha256(content).digest()
    tx.deliveries.keep_raw(sha256, content)
    tx.submissions.write(message, message_id=message_id, sha256=sha256, size=len(content), turn=turn)
    tx.canned.add_uses(message, ticket.desk, answer.canned, answer.about)
    bounces = site.keyring.bounce_address(answer.desk, ticket.number, message)
    tx.outbox.add(
        NewItem(
            key=item_key(message),
            kind=OutboxKind.REPLY,
            desk=ticket.desk,
            mail_from=str(bounces or answer.desk.address),
            recipients=answer.recipients,
            content=content,
            created=now,
            ticket=ticket.id,
            message=message,
            held=against is not None,
            due=now + answer.desk.send_delay,
        )
    )
    stored = tx.tickets.message(message)
    assert stored is not None  # it was added just now
    return stored


def _new_message(answer: Answer, *, held: bool, now: float) -> NewMessage:
    return NewMessage(
        delivery=None,
        sha256=b"",
        direction=Direction.OUT,
        sender=answer.desk.address.key,
        recipients=tuple(each.lower() for each in answer.recipients),
        subject=answer.subject,
        date=answer.written,
        message_id="",
        size=0,
        automatic="none",
        at=now,
        agent=answer.agent,
        status=MessageStatus.HELD if held else MessageStatus.WAITING,
    )


def _content(site: Site, ticket: Ticket, answer: Answer, message_id: str) -> bytes:
    if ticket.number == answer.number:
        return replace_field(answer.draft, "Message-ID", message_id)
    reply_to = site.keyring.reply_address(answer.desk, ticket.number)
    tag = site.keyring.tag(ticket.number)
    plan = replace(answer.plan, tag=tag, reply_to=str(reply_to or ""), message_id=message_id)
    return rewrite(answer.text, plan)


def _remember(tx: Transaction, ticket: Ticket, answer: Answer, now: float) -> None:
    """The Message-ID of the agent's own copy: who answers that one answers this ticket."""
    own_id = answer.submission.message_id
    if own_id:
        tx.threads.add_ids(ticket.desk, ticket.id, [(own_id, IdKind.KNOWN)], at=now)
