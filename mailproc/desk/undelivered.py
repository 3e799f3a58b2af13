"""An answer that did not reach its customer: nobody has answered, and an agent must look.

The ticket goes to Problem and keeps its owner; the mail that was answered waits for an answer again, unless
another answer to it left.  A copy that somebody else did not get is told, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailproc.desk.change import change_state
from mailproc.model.ticket import Message, MessageStatus, Move, Ticket, next_state
from mailproc.store.protocol import Transaction

WHO = "mailproc"


def missed_by_customer(ticket: Ticket, message: Message, failed: Iterable[str]) -> bool:
    """Is the customer among those who did not get it?  An address that we did not write to may be theirs:
    mail is forwarded.  Where the mail was not for the customer, anybody counts."""
    written_to = {address.lower() for address in message.recipients}
    missing = {address.lower() for address in failed}
    customer = ticket.customer.lower()
    if not missing:
        return False
    return customer not in written_to or customer in missing or not missing <= written_to


def give_back(tx: Transaction, ticket: Ticket, message: Message, detail: str, now: float) -> Ticket:
    """Let the ticket be answered again and put it into Problem; as it was where another answer left."""
    before = tx.answers.standing(ticket.id)
    tx.tickets.set_message_status(message.id, MessageStatus.FAILED)
    tx.answers.recount(ticket.id)
    after = tx.answers.standing(ticket.id)
    if after.turn_answered < before.turn_answered:
        tx.history.add_event(ticket, "unanswered", WHO, f"{before.answered_by}'s answer does not count", now)
    if message.ticket == ticket.id and 0 <= tx.answers.turn(message.id) <= after.turn_answered:
        return ticket
    if next_state(ticket.state, Move.UNDELIVERED, ticket.owner) is ticket.state:
        return ticket
    return change_state(tx, ticket, Move.UNDELIVERED, who=WHO, now=now, detail=detail)
