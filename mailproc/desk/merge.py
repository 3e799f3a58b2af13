"""Join two tickets, and undo it; split messages off into a ticket of their own."""

from __future__ import annotations

from collections.abc import Sequence

from mailproc.desk.change import Refused, change_state, follow_merges
from mailproc.model.subject import normalise
from mailproc.model.ticket import Move, State, Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.tickets import NewTicket


def merge(tx: Transaction, ticket: Ticket, target: Ticket, *, who: str, now: float) -> Ticket:
    """From now on ``ticket`` is part of ``target``: later mail for either joins ``target``.

    The messages stay where they are, so that ``unmerge`` restores both exactly.
    """
    target = follow_merges(tx, target)
    if ticket.merged_into is not None:
        raise Refused(f"ticket {ticket.number} is merged already")
    if follow_merges(tx, target).id == ticket.id or ticket.id == target.id:
        raise Refused(f"ticket {ticket.number} cannot be merged into itself")
    if ticket.desk != target.desk:
        raise Refused("tickets of two desks cannot be merged: move one first")
    if ticket.state is not State.CLOSED:
        ticket = change_state(tx, ticket, Move.CLOSE, who=who, now=now, detail=f"merged into {target.number}")
    tx.answers.carry_over(ticket.id, target.id)
    tx.tickets.set_merged_into(ticket.id, target.id, now)
    tx.history.link(ticket, target, "merged")
    tx.history.add_event(ticket, "merged", who, f"into {target.number}", now)
    tx.history.add_event(target, "merged", who, f"from {ticket.number}", now)
    return tx.tickets.get(target.id)


def unmerge(tx: Transaction, ticket: Ticket, *, who: str, now: float) -> Ticket:
    """Undo ``merge``; mail that joined the target since stays there."""
    if ticket.merged_into is None:
        raise Refused(f"ticket {ticket.number} is not merged")
    target = tx.tickets.get(ticket.merged_into)
    tx.tickets.set_merged_into(ticket.id, None, now)
    tx.history.unlink(ticket, target)
    tx.history.add_event(target, "unmerged", who, ticket.number, now)
    return change_state(tx, ticket, Move.REOPEN, who=who, now=now, detail=f"unmerged from {target.number}")


def split(
    tx: Transaction, ticket: Ticket, messages: Sequence[bytes], number: str, *, who: str, now: float
) -> Ticket:
    """Move the messages with these digests into a new ticket, linked with the old one."""
    chosen = [message for message in tx.tickets.messages(ticket.id) if message.sha256 in set(messages)]
    if not chosen:
        raise Refused(f"ticket {ticket.number} has no such message")
    if len(chosen) == tx.tickets.count_messages(ticket.id):
        raise Refused("a ticket keeps at least one message")
    first = chosen[0]
    new = tx.tickets.open(
        NewTicket(
            number=number,
            desk=ticket.desk,
            subject=first.subject,
            subject_key=normalise(first.subject).key,
            state=State.NEW,
            owner="",
            customer=first.sender or ticket.customer,
            opened=now,
            topic=ticket.topic,
            language=ticket.language,
            spam=ticket.spam,
        )
    )
    tx.tickets.move_messages([message.id for message in chosen], new)
    for each in (new.id, ticket.id):
        tx.answers.renumber(each)
    tx.threads.move([message.message_id for message in chosen if message.message_id], ticket, new)
    tx.history.link(ticket, new, "split")
    tx.history.add_event(ticket, "split", who, f"{len(chosen)} to {new.number}", now)
    tx.history.add_event(new, "opened", who, f"split from {ticket.number}", now, State.NEW)
    return new
