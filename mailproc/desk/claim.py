"""Who works on a ticket: claim, release, assign."""

from __future__ import annotations

from mailproc.desk.change import Refused, change_state
from mailproc.model.desk import Desk
from mailproc.model.ticket import Move, Ticket
from mailproc.store.protocol import Transaction

MOST_EXPIRED = 100  # claims, at one look at the clock


class HeldByAnother(Refused):
    """Another agent holds the ticket; that the claim was lost is written down."""


def claim(tx: Transaction, desk: Desk, ticket: Ticket, *, agent: str, now: float) -> Ticket:
    """Make ``agent`` the owner; Refused where another agent holds the ticket."""
    _check_member(desk, agent)
    if ticket.owner == agent:
        return ticket
    if ticket.owner:
        tx.history.add_event(ticket, "claim_lost", agent, f"held by {ticket.owner}", now)
        raise HeldByAnother(f"ticket {ticket.number} is held by {ticket.owner}")
    return change_state(tx, ticket, Move.CLAIM, who=agent, owner=agent, now=now)


def release(tx: Transaction, ticket: Ticket, *, who: str, now: float) -> Ticket:
    """Give a ticket back to the desk."""
    return change_state(tx, ticket, Move.RELEASE, who=who, owner="", now=now, detail=ticket.owner)


def expire_claims(tx: Transaction, desk: Desk, *, now: float) -> int:
    """Give the tickets back that their owners have done nothing with for too long; return how many."""
    stale = stale_claims(tx, desk, now)
    for ticket in stale:
        detail = f"{ticket.owner} had it for {_hours(desk)} without doing anything"
        change_state(tx, ticket, Move.RELEASE, who="mailproc", owner="", now=now, detail=ticket.owner)
        tx.history.add_event(ticket, "claim_expired", "mailproc", detail, now)
    return len(stale)


def stale_claims(tx: Transaction, desk: Desk, now: float) -> list[Ticket]:
    """The claims of a desk that have expired, not all at once where they are many."""
    if not desk.claim_expires:
        return []
    since = desk.calendar.before(now, desk.claim_expires)
    return tx.tickets.claimed_before(desk.name, since, MOST_EXPIRED)


def _hours(desk: Desk) -> str:
    unit = "business hours" if desk.calendar.name else "hours"
    return f"{desk.claim_expires / 3600:g} {unit}"


def assign(tx: Transaction, desk: Desk, ticket: Ticket, *, agent: str, who: str, now: float) -> Ticket:
    """Hand a ticket to ``agent``, whoever held it."""
    _check_member(desk, agent)
    detail = f"to {agent}" + (f" from {ticket.owner}" if ticket.owner else "")
    return change_state(tx, ticket, Move.CLAIM, who=who, owner=agent, now=now, detail=detail)


def _check_member(desk: Desk, agent: str) -> None:
    if agent not in desk.agents:
        raise Refused(f"{agent} is no agent of desk {desk.name}")
