"""An agent took a ticket: a draft reply is to be laid into the agent's Drafts (``desk/laid.py``)."""

from __future__ import annotations

from mailproc.desk.site import Site
from mailproc.model.ticket import Ticket
from mailproc.store.protocol import Transaction


def want_draft(tx: Transaction, site: Site, ticket: Ticket, agent: str, now: float) -> None:
    """Ask for a draft, where the agent wants such; one is laid for each mail of the customer."""
    person = site.agents.get(agent)
    if person is not None and person.wants_drafts:
        tx.drafts.want(agent, ticket.id, tx.answers.standing(ticket.id).turn, now)
