"""Who works on a ticket: claim, release, assign."""

from __future__ import annotations

from mailproc.desk.change import Refused, change_state
from mailproc.model.desk import Desk
from mailproc.model.ticket import Move, Ticket
from mailproc.store.protocol import Transaction


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


def assign(tx: Transaction, desk: Desk, ticket: Ticket, *, agent: str, who: str, now: float) -> Ticket:
    """Hand a ticket to ``agent``, whoever held it."""
    _check_member(desk, agent)
    detail = f"to {agent}" + (f" from {ticket.owner}" if ticket.owner else "")
    return change_state(tx, ticket, Move.CLAIM, who=who, owner=agent, now=now, detail=detail)


def _check_member(desk: Desk, agent: str) -> None:
    if agent not in desk.agents:
        raise Refused(f"{agent} is no agent of desk {desk.name}")
