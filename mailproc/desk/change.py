"""Change a ticket's state: one table of moves, one conditional UPDATE, one event each."""

from __future__ import annotations

from dataclasses import replace

from mailproc.model.ticket import Move, Ticket, next_state
from mailproc.store.protocol import Transaction


class Refused(Exception):
    """The change is not allowed; the text may be shown to the agent."""


def change_state(
    tx: Transaction,
    ticket: Ticket,
    move: Move,
    *,
    who: str,
    now: float,
    detail: str = "",
    owner: str | None = None,
) -> Ticket:
    """Make a move, keep or set the owner, leave an event; raise IllegalMove or TicketChanged."""
    owner = ticket.owner if owner is None else owner
    state = next_state(ticket.state, move, owner)
    tx.tickets.set_state(ticket, state, owner, now)
    tx.history.add_event(ticket, _EVENTS[move], who, detail, now, state)
    return replace(ticket, state=state, owner=owner, updated=now)


_EVENTS: dict[Move, str] = {
    Move.CLAIM: "claimed",
    Move.RELEASE: "released",
    Move.ANSWER: "answered",
    Move.SNOOZE: "snoozed",
    Move.WAKE: "woken",
    Move.CLOSE: "closed",
    Move.REOPEN: "reopened",
    Move.SPAM: "marked_spam",
    Move.UNSPAM: "unmarked_spam",
    Move.FOLLOW_UP: "follow_up",
    Move.UNDELIVERED: "undelivered",
}


def follow_merges(tx: Transaction, ticket: Ticket) -> Ticket:
    """The ticket that this one was merged into, or itself."""
    seen = {ticket.id}
    while ticket.merged_into is not None and ticket.merged_into not in seen:
        seen.add(ticket.merged_into)
        ticket = tx.tickets.get(ticket.merged_into)
    return ticket
