"""The ends of a ticket, and the ways back: close, reopen, spam, no spam."""

from __future__ import annotations

from mailproc.desk.change import change_state
from mailproc.desk.train import Label, learn_later
from mailproc.model.ticket import Move, State, Ticket
from mailproc.store.protocol import Transaction


def close(tx: Transaction, ticket: Ticket, *, who: str, now: float) -> Ticket:
    if ticket.state is State.CLOSED:
        return ticket
    return change_state(tx, ticket, Move.CLOSE, who=who, now=now)


def reopen(tx: Transaction, ticket: Ticket, *, who: str, now: float) -> Ticket:
    return change_state(tx, ticket, Move.REOPEN, who=who, now=now)


def mark_spam(tx: Transaction, ticket: Ticket, *, who: str, now: float) -> Ticket:
    """An agent says that this is spam; it is learnt after a while, in which that can be taken back."""
    if ticket.state is State.SPAM:
        return ticket
    learn_later(tx, ticket, Label.SPAM, now, who)
    return change_state(tx, ticket, Move.SPAM, who=who, now=now)


def unmark_spam(tx: Transaction, ticket: Ticket, *, who: str, now: float) -> Ticket:
    """An agent says that this is none; it is learnt after a while, as well."""
    if ticket.state is State.SPAM:
        learn_later(tx, ticket, Label.HAM, now, who)
    return change_state(tx, ticket, Move.UNSPAM, who=who, owner="", now=now)
