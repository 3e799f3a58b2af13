"""The ends of a ticket, and the ways back: close, reopen, spam, no spam, snooze, wake."""

from __future__ import annotations

from datetime import UTC, datetime

from mailproc.desk.change import Refused, change_state
from mailproc.desk.train import Label, learn_later
from mailproc.model.folder import shelf_for
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


def snooze(tx: Transaction, ticket: Ticket, *, until: float, who: str, now: float) -> Ticket:
    """Put a ticket aside until a time; a mail from the customer wakes it."""
    if until <= now:
        raise Refused("the time to snooze until is past")
    moment = datetime.fromtimestamp(until, UTC).isoformat(timespec="minutes")
    snoozed = change_state(tx, ticket, Move.SNOOZE, who=who, now=now, detail=f"until {moment}")
    tx.tickets.snooze_until(ticket.id, until, shelf_for(until - now))
    return snoozed


def wake_due(tx: Transaction, *, now: float) -> int:
    """Wake the tickets whose time has come; return how many."""
    due = tx.tickets.snoozed_until(now)
    for ticket in due:
        change_state(tx, ticket, Move.WAKE, who="mailproc", now=now)
    return len(due)
