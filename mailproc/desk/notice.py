"""Mails to agents about what happened to a ticket, by way of the outbox."""

from __future__ import annotations

from email.utils import formatdate

from mailproc.desk.site import Site
from mailproc.mime.compose import compose, mailbox_header
from mailproc.model.outbox import NewItem, OutboxKind
from mailproc.model.ticket import Ticket
from mailproc.store.protocol import Transaction


def tell(
    tx: Transaction, site: Site, agent: str, ticket: Ticket, *, key: str, subject: str, text: str, now: float
) -> None:
    """Tell an agent something about a ticket, once for each ``key``; nothing where there is no such agent."""
    person = site.agents.get(agent)
    desk = site.desks.get(ticket.desk)
    if person is None or desk is None:
        return
    content = compose(
        [
            ("From", mailbox_header(desk.title, desk.address)),
            ("To", mailbox_header(person.title, person.address)),
            ("Subject", subject),
            ("Date", formatdate(now)),
            ("Auto-Submitted", "auto-generated"),
            ("X-Mailproc-Loop", site.hostname),
        ],
        text,
    )
    tx.outbox.add(
        NewItem(
            key=key,
            kind=OutboxKind.NOTICE,
            desk=desk.name,
            mail_from="",
            recipients=(str(person.address),),
            content=content,
            created=now,
            ticket=ticket.id,
        )
    )
