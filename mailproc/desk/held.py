"""Answers that are held: kept until their author, or who reviews them, decides.

The author is told at once, with the mail that is in the way attached, and reminded once a day.  A reply to
such a notice decides, with ``send`` or ``drop`` as its first word; the address of the reply, or the id that
it answers, is proved by a MAC, and only the author's own login counts.  Nothing that is held ever expires.

Refused: the text may be shown to the agent.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mailproc.desk.change import Refused, follow_merges
from mailproc.desk.departure import ANSWERS_NOTHING, depart, item_key
from mailproc.desk.notice import Notice, give_notice
from mailproc.desk.obstacle import Obstacle, obstacle
from mailproc.desk.site import Site
from mailproc.model.held import Hold, HoldReason
from mailproc.model.ticket import Message, MessageStatus, Ticket
from mailproc.store.protocol import Transaction

REMIND_AFTER = 86_400.0  # seconds
MOST_ATTACHED = 5_000_000  # octets of the other mail that go with a notice
_REMINDED_AT_ONCE = 100
_FIRST_WORD = re.compile(r"[\s>#*_\"'“„«]*([A-Za-z]+)")


def hold(
    tx: Transaction, site: Site, ticket: Ticket, message: Message, against: Obstacle, now: float
) -> None:
    """Keep an answer back, its item in the outbox being held already, and tell its author."""
    reason = against.reason
    held = Hold(
        message.id, ticket.id, ticket.desk, message.agent, reason, against.detail, against.other, now, now
    )
    tx.holds.put(held)
    what = "review" if reason is HoldReason.REVIEW else "held"
    tx.history.add_event(ticket, what, message.agent, against.detail, now)
    if reason is not HoldReason.REVIEW:
        _tell(tx, site, ticket, tx.holds.get(message.id) or held, now)


def decide_by_mail(tx: Transaction, site: Site, agent: str, message: int, text: str, now: float) -> None:
    """Do what the author's reply to a notice says, ``text`` being what it says."""
    held = _held(tx, message)
    if held.agent != agent:
        raise Refused("that answer is not yours")
    match = _FIRST_WORD.match(text)
    word = match[1].lower() if match else ""
    if word == "drop":
        drop(tx, message, who=agent, now=now)
    elif word == "send":
        if held.reason is HoldReason.REVIEW:
            raise Refused("another agent must approve that answer")
        release(tx, site, message, who=agent, now=now)
    else:
        raise Refused('begin your reply with the word "send" or "drop"')


def release(tx: Transaction, site: Site, message: int, *, who: str, now: float) -> None:
    """Let a held answer leave, whatever stands against it."""
    held = _held(tx, message)
    ticket, answer, turn = _answer(tx, held)
    _let_go(tx, held, now)
    if turn != ANSWERS_NOTHING:
        tx.answers.force_turn(ticket.id, turn, held.agent)
    tx.history.add_event(ticket, "released", who, f"an answer of {held.agent}", now)
    depart(tx, site, ticket, answer, turn, now)


def drop(tx: Transaction, message: int, *, who: str, now: float) -> None:
    """Give a held answer up for good."""
    held = _held(tx, message)
    ticket, _, _ = _answer(tx, held)
    tx.holds.remove(message)
    item = tx.outbox.with_key(item_key(message))
    if item is not None:
        tx.outbox.drop(item)
    tx.tickets.set_message_status(message, MessageStatus.FAILED)
    tx.history.add_event(ticket, "dropped", who, f"an answer of {held.agent}", now)


def approve(tx: Transaction, site: Site, message: int, *, who: str, now: float) -> bool:
    """Let a reviewed answer leave; False where something stands against it by now, and it is held for that.

    ``who`` is an agent, or whatever else made the gesture where it is not known.
    """
    held = _in_review(tx, site, message, who)
    ticket, answer, turn = _answer(tx, held)
    taken = turn == ANSWERS_NOTHING or tx.answers.take_turn(ticket.id, turn, held.agent)
    tx.history.add_event(ticket, "approved", who, f"an answer of {held.agent}", now)
    if not taken and (against := obstacle(tx, ticket, turn, held.agent)):
        hold(tx, site, ticket, answer, against, now)
        tx.tickets.set_message_status(message, MessageStatus.HELD)  # it is shown elsewhere now
        return False
    _let_go(tx, held, now)
    depart(tx, site, tx.tickets.get(ticket.id), answer, turn, now)
    return True


def reject(tx: Transaction, site: Site, message: int, *, who: str, now: float) -> None:
    """Give a reviewed answer back to its author, who may write another one."""
    held = _in_review(tx, site, message, who)
    ticket, answer, _ = _answer(tx, held)
    drop(tx, message, who=who, now=now)
    notice = Notice(
        key=f"rejected:{message}",
        subject=f"Not approved: your answer to ticket {ticket.number}",
        text="Your answer was not approved, and was not sent.  It is attached.",
        attached=tx.deliveries.raw(answer.sha256),
    )
    give_notice(tx, site, held.agent, site.desks.get(ticket.desk), notice, now, ticket=ticket)


def remind_due(tx: Transaction, site: Site, now: float) -> int:
    """Remind the authors of what has been held for a day since they were told last; return how many."""
    due = tx.holds.told_before(now - REMIND_AFTER, _REMINDED_AT_ONCE)
    for held in due:
        notices = tx.holds.told_again(held, now)
        if notices is not None:
            ticket = follow_merges(tx, tx.tickets.get(held.ticket))
            _tell(tx, site, ticket, replace(held, notices=notices), now)
    return len(due)


def _held(tx: Transaction, message: int) -> Hold:
    held = tx.holds.get(message)
    if held is None:
        raise Refused("that answer is not held any more")
    return held


def _in_review(tx: Transaction, site: Site, message: int, who: str) -> Hold:
    held = _held(tx, message)
    desk = site.desks.get(held.desk)
    if held.reason is not HoldReason.REVIEW:
        raise Refused("that answer is held, but not for review")
    if who == held.agent or (desk is not None and who in desk.review):
        raise Refused("another agent must approve that answer")
    return held


def _answer(tx: Transaction, held: Hold) -> tuple[Ticket, Message, int]:
    """The ticket that a held answer belongs to by now, its message, and which turn of it that answers."""
    message = tx.tickets.message(held.message)
    assert message is not None  # nothing takes messages out of the store
    ticket = follow_merges(tx, tx.tickets.get(message.ticket))
    turn = tx.answers.turn(message.id)
    if ticket.id != message.ticket and turn != ANSWERS_NOTHING:
        turn = tx.answers.turn_of(ticket.id, (), message.at)
    return ticket, message, turn


def _let_go(tx: Transaction, held: Hold, now: float) -> None:
    """From held to waiting, in the outbox too."""
    if held.reason is HoldReason.INCOMPLETE:
        raise Refused(f"it cannot be sent as it is: {held.detail}")
    item = tx.outbox.with_key(item_key(held.message))
    if item is None or not tx.outbox.release(item, now):
        raise Refused("that answer is not held any more")
    tx.holds.remove(held.message)
    tx.tickets.set_message_status(held.message, MessageStatus.WAITING)


# What the author is told


def _tell(tx: Transaction, site: Site, ticket: Ticket, held: Hold, now: float) -> None:
    desk = site.desks.get(ticket.desk)
    if desk is None:
        return
    attached = _attached(tx, held)
    lines = [_opening(held, ticket), *(["That mail is attached."] if attached else []), "", *_choice(held)]
    address = site.keyring.held_address(desk, held.message)
    notice = Notice(
        key=f"held:{held.message}:{held.notices}",
        subject=_subject(held, ticket),
        text="\n".join(lines),
        attached=attached,
        reply_to=str(address or desk.address),
        message_id=site.keyring.held_notice_id(held.message, held.notices, site.hostname),
    )
    give_notice(tx, site, held.agent, desk, notice, now, ticket=ticket)


def _attached(tx: Transaction, held: Hold) -> bytes | None:
    message = tx.tickets.message(held.other) if held.other is not None else None
    if message is None or message.size > MOST_ATTACHED:
        return None
    return tx.deliveries.raw(message.sha256)


def _subject(held: Hold, ticket: Ticket) -> str:
    waits = "Waits for approval" if held.reason is HoldReason.REVIEW else "Held"
    return f"{waits}: your answer to ticket {ticket.number}"


def _opening(held: Hold, ticket: Ticket) -> str:
    if held.reason is HoldReason.REVIEW:
        return f"Your answer to ticket {ticket.number} still waits for another agent's approval."
    return f"Your answer to ticket {ticket.number} was not sent: {held.detail}."


def _choice(held: Hold) -> list[str]:
    if held.reason is HoldReason.REVIEW:
        return ["Reply with the word drop to take it back."]
    if held.reason is HoldReason.INCOMPLETE:
        return ["Send a mended one, then reply to this mail with the word drop to throw this one away."]
    return [
        "Reply to this mail, through the account that you answered with, with one word:",
        "",
        "  send    to send your answer nevertheless",
        "  drop    to throw it away",
        "",
        "Until then it stands in Problem; you are reminded once a day.",
    ]
