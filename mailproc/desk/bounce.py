"""What a delivery report does to the ticket of the reply that it is about (RFC 3464).

One event for each recipient: ``bounced`` for a final failure, ``delayed`` while a relay still tries.  A final
failure, hard or soft, sets the reply's status to ``failed``: it was not delivered, and nobody tries any more.
Only a hard one, where the address is no good, moves the ticket, back to its owner or to ``new``.

A report is believed only about a mail that we sent: its original Message-ID must be one of ours, which has
a MAC and is known only to those who got the mail.  Any other report leaves events and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.desk.change import change_state, follow_merges
from mailproc.model.desk import Desk
from mailproc.model.judgement import Bounce, FailedRecipient
from mailproc.model.ticket import Direction, Message, MessageStatus, Move, Ticket, next_state
from mailproc.store.protocol import Transaction

WHO = "mailproc"  # in events: nobody signs a delivery report
MAX_EVENTS = 20  # recipients of one report that get an event of their own
_MAX_DIAGNOSTIC = 200  # characters


@dataclass(frozen=True, slots=True)
class BounceEffect:
    """What ``apply_bounce`` did; ``reply`` is the mail of ours that failed, None where it is not known."""

    ticket: Ticket
    reply: Message | None
    failed: bool = False  # the reply's status was set
    reopened: bool = False  # the ticket's state was changed


def apply_bounce(tx: Transaction, desk: Desk, bounce: Bounce, ticket_id: int, now: float) -> BounceEffect:
    """Apply a report that was filed in the ticket ``ticket_id``; part of the transaction that files it."""
    reply = _reply(tx, desk, bounce)
    ticket = follow_merges(tx, tx.tickets.get(ticket_id if reply is None else reply.ticket))
    _leave_events(tx, ticket, bounce, now)
    if reply is None:
        return BounceEffect(ticket, None)
    failed = any(one.final for one in bounce.recipients)
    if failed:
        tx.tickets.set_message_status(reply.id, MessageStatus.FAILED)
    reopened = _reopen(tx, ticket, bounce, now)
    return BounceEffect(reopened or ticket, reply, failed, reopened is not None)


def _reply(tx: Transaction, desk: Desk, bounce: Bounce) -> Message | None:
    """The mail that the report is about, if we sent it."""
    if not bounce.original_message_id:
        return None
    message = tx.tickets.message_by_id(desk.name, bounce.original_message_id)
    if message is None or message.direction is Direction.OUT:
        return message
    # Our reply may have come back to the desk as a copy, under the same Message-ID.
    copies = tx.tickets.messages(message.ticket)
    return next((one for one in copies if _is_sent(one) and one.message_id == message.message_id), None)


def _is_sent(message: Message) -> bool:
    return message.direction is Direction.OUT


def _leave_events(tx: Transaction, ticket: Ticket, bounce: Bounce, now: float) -> None:
    for one in bounce.recipients[:MAX_EVENTS]:
        tx.history.add_event(ticket, "bounced" if one.final else "delayed", WHO, describe(one), now)
    if (more := len(bounce.recipients) - MAX_EVENTS) > 0:
        tx.history.add_event(ticket, "bounced", WHO, f"and {more} more recipients", now)


def describe(one: FailedRecipient) -> str:
    """One line for people: recipient, status, hard or soft, and what the other side said."""
    kind = "hard" if one.hard else "soft"
    said = "".join(letter if letter.isprintable() else " " for letter in one.diagnostic)
    short = " ".join(said.split())[:_MAX_DIAGNOSTIC]
    return f"{one.recipient} {one.status} ({kind})" + (f": {short}" if short else "")


def _reopen(tx: Transaction, ticket: Ticket, bounce: Bounce, now: float) -> Ticket | None:
    """Bring the ticket back before the agents' eyes where an address is no good."""
    hard = next((one for one in bounce.recipients if one.hard), None)
    if hard is None or next_state(ticket.state, Move.UNDELIVERED, ticket.owner) is ticket.state:
        return None
    detail = f"the answer did not reach {hard.recipient}"
    return change_state(tx, ticket, Move.UNDELIVERED, who=WHO, now=now, detail=detail)
