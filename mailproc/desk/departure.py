"""An answer leaves: whom it goes to takes part, its turn is answered, and its author holds the ticket."""

from __future__ import annotations

from mailproc.desk.change import Refused, change_state
from mailproc.desk.close import unmark_spam
from mailproc.desk.follow_up import record_sent
from mailproc.desk.site import Site
from mailproc.desk.train import Label, learn_later
from mailproc.model.happening import OLDER
from mailproc.model.ticket import Message, MessageStatus, Move, State, Ticket
from mailproc.store.protocol import Transaction

ANSWERS_NOTHING = -1  # the turn of a mail to somebody else than the customer


def item_key(message: int) -> str:
    """The key of an answer in the outbox."""
    return f"reply:{message}"


def depart(tx: Transaction, site: Site, ticket: Ticket, message: Message, turn: int, now: float) -> Ticket:
    """Write down that an answer is on its way; its turn must have been taken before."""
    own = site.own_addresses | site.agent_addresses
    outsiders = [address for address in message.recipients if address not in own]
    record_sent(tx, ticket, message.message_id, outsiders, now)
    detail = f"to {', '.join(message.recipients)}"
    if turn == ANSWERS_NOTHING:
        tx.history.add_event(ticket, "consulted", message.agent, detail, now)
        return ticket
    if turn < tx.answers.standing(ticket.id).turn:
        tx.history.add_event(ticket, "answered", message.agent, f"{detail}{OLDER}", now)
        return ticket
    if ticket.state is State.SPAM:
        ticket = unmark_spam(tx, ticket, who=message.agent, now=now)
    else:
        learn_later(tx, ticket, Label.HAM, now, message.agent)  # nobody answers spam
    owner = ticket.owner or message.agent
    return change_state(tx, ticket, Move.ANSWER, who=message.agent, owner=owner, now=now, detail=detail)


def take_back(tx: Transaction, ticket: Ticket, message: Message, *, who: str, now: float) -> Ticket:
    """Stop an answer of which nothing can have left; Refused where it is too late.

    The ticket is not answered any more, unless another answer to the same mail left.
    """
    item = tx.outbox.with_key(item_key(message.id))
    if message.status is not MessageStatus.WAITING or item is None or not tx.outbox.stop(item, now):
        raise Refused("the answer has left already")
    detail = f"an answer to {', '.join(message.recipients)}"
    tx.history.add_event(ticket, "taken_back", who, detail, now)
    return unanswer(tx, ticket, message, who=who, now=now)


def unanswer(tx: Transaction, ticket: Ticket, message: Message, *, who: str, now: float) -> Ticket:
    """An answer came to nothing: somebody has to answer again, unless another one left."""
    tx.tickets.set_message_status(message.id, MessageStatus.FAILED)
    tx.answers.recount(ticket.id)
    standing = tx.answers.standing(ticket.id)
    if ticket.state is not State.ANSWERED or standing.turn_answered >= standing.turn:
        return ticket
    return change_state(tx, ticket, Move.REOPEN, who=who, now=now, detail="its answer was taken back")
