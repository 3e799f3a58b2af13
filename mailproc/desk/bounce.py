"""What a delivery report does to the ticket of the reply that it is about (RFC 3464).

One event for each recipient: ``bounced`` for a final failure, ``delayed`` while a relay still tries.  A final
failure is written down beside its recipient.  Where the customer is among them the status is ``failed``,
hard or soft: it was not delivered, and nobody tries any more.  Only a hard one, where the address is no good,
makes the ticket unanswered again and puts it into Problem.

A report is believed only about a mail that we sent: it came to the bounce address of one, or names its
Message-ID.  Both have a MAC and are known only to those who got the mail.  Any other report leaves events and
changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.desk.change import follow_merges
from mailproc.desk.undelivered import WHO, give_back, missed_by_customer
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.follow_up import Carrier
from mailproc.model.judgement import Bounce, FailedRecipient
from mailproc.model.line import one_line
from mailproc.model.mac import Keyring, read_address
from mailproc.model.ticket import Direction, Message, MessageStatus, Ticket
from mailproc.store.protocol import Transaction

MAX_EVENTS = 20  # recipients of one report that get an event of their own
_MAX_DIAGNOSTIC = 200  # characters


@dataclass(frozen=True, slots=True)
class BounceEffect:
    """What ``apply_bounce`` did; ``reply`` is the mail of ours that failed, None where it is not known."""

    ticket: Ticket
    reply: Message | None
    failed: bool = False  # the reply's status was set
    reopened: bool = False  # the ticket's state was changed


def returned_message(keyring: Keyring, desk: Desk, recipient: Address) -> int | None:
    """The row of the mail of ours whose bounce address this is; None for any other address."""
    token = read_address(desk, recipient)
    if token is None or token.carrier is not Carrier.BOUNCE_ADDRESS or not keyring.verifies(token):
        return None
    return int(token.serial)


def apply_bounce(
    tx: Transaction, desk: Desk, bounce: Bounce, ticket_id: int, now: float, *, returned: int | None = None
) -> BounceEffect:
    """Apply a report that was filed in the ticket ``ticket_id``; part of the transaction that files it.

    ``returned`` is what ``returned_message`` says of the address that it came to.
    """
    reply = _returned(tx, returned) or _reply(tx, desk, bounce)
    ticket = follow_merges(tx, tx.tickets.get(ticket_id if reply is None else reply.ticket))
    _leave_events(tx, ticket, bounce, now)
    if reply is None:
        return BounceEffect(ticket, None)
    final = [one for one in bounce.recipients[:MAX_EVENTS] if one.final]
    for one in final:
        tx.outbox.set_bounced(reply.id, _address(one, reply), f"bounced: {describe(one)}")
    if not missed_by_customer(ticket, reply, [_address(one, reply) for one in final]):
        return BounceEffect(ticket, reply)
    after = _give_back(tx, ticket, reply, final, now)
    return BounceEffect(after, reply, failed=True, reopened=after.state is not ticket.state)


def _address(one: FailedRecipient, reply: Message) -> str:
    """Whom we wrote to: the report may name where the mail was forwarded from there."""
    if len(reply.recipients) == 1:
        return reply.recipients[0]
    written_to = {address.lower() for address in reply.recipients}
    return one.recipient if one.recipient.lower() in written_to else one.original or one.recipient


def _give_back(
    tx: Transaction, ticket: Ticket, reply: Message, final: list[FailedRecipient], now: float
) -> Ticket:
    hard = [one for one in final if one.hard]
    if not missed_by_customer(ticket, reply, [_address(one, reply) for one in hard]):
        tx.tickets.set_message_status(reply.id, MessageStatus.FAILED)
        return ticket
    return give_back(tx, ticket, reply, f"the answer did not reach {hard[0].recipient}", now)


def _returned(tx: Transaction, row: int | None) -> Message | None:
    """Of whatever desk: the ticket may have been handed over since, and the address has a MAC."""
    message = tx.tickets.message(row) if row is not None else None
    return message if message is not None and _is_sent(message) else None


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
    short = one_line(one.diagnostic, _MAX_DIAGNOSTIC)
    return f"{one.recipient} {one.status} ({kind})" + (f": {short}" if short else "")
