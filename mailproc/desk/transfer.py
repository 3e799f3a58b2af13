"""Hand a ticket to another desk."""

from __future__ import annotations

from mailproc.desk.change import Refused
from mailproc.desk.topics import learn_move
from mailproc.model.desk import Desk
from mailproc.model.ticket import State, Ticket
from mailproc.store.protocol import Transaction


def transfer(tx: Transaction, ticket: Ticket, desk: Desk, *, who: str, now: float) -> Ticket:
    """The ticket, its messages and its threads now belong to ``desk``, where nobody owns it yet.

    What was merged into it goes with it.
    """
    if ticket.desk == desk.name:
        raise Refused(f"ticket {ticket.number} is at desk {desk.name} already")
    if ticket.state is State.CLOSED:
        raise Refused(f"ticket {ticket.number} is closed: reopen it first")
    learn_move(tx, ticket, desk.name, who=who, now=now)
    return hand_over(tx, ticket, desk, who=who, now=now)


def hand_over(tx: Transaction, ticket: Ticket, desk: Desk, *, who: str, now: float) -> Ticket:
    """The same, and nothing is learnt from it: no person decided."""
    state = State.SPAM if ticket.state is State.SPAM else State.NEW
    tx.tickets.set_state(ticket, state, "", now)
    for member in tx.folders.family(ticket.desk, ticket.id):
        tx.tickets.set_desk(member, desk.name)
    tx.history.add_event(ticket, "transferred", who, f"from {ticket.desk} to {desk.name}", now, state)
    return tx.tickets.get(ticket.id)
