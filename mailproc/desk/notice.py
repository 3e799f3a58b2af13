"""Mails to agents about what happened to a ticket, by way of the outbox."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.utils import formatdate

from mailproc.desk.site import Agent, Site
from mailproc.mime.compose import File, compose, mailbox_header
from mailproc.model.desk import Desk
from mailproc.model.outbox import NewItem, OutboxKind
from mailproc.model.ticket import Ticket
from mailproc.store.protocol import Transaction


@dataclass(frozen=True, slots=True)
class Notice:
    """What an agent is told.  ``key`` lets it leave once, however often it is said."""

    key: str
    subject: str
    text: str
    attached: bytes | File | None = None  # a whole mail, or a file
    reply_to: str = ""  # addr-spec; "" where nothing is done with a reply
    message_id: str = ""  # by default one that proves to whom it went


def tell(
    tx: Transaction, site: Site, agent: str, ticket: Ticket, *, key: str, subject: str, text: str, now: float
) -> None:
    """Tell an agent something about a ticket, once for each ``key``; nothing where there is no such agent."""
    give_notice(tx, site, agent, site.desks.get(ticket.desk), Notice(key, subject, text), now, ticket=ticket)


def give_notice(
    tx: Transaction,
    site: Site,
    agent: str,
    desk: Desk | None,
    notice: Notice,
    now: float,
    *,
    ticket: Ticket | None = None,
) -> None:
    """Put a notice of a desk into the outbox; nothing where there is no such agent or desk."""
    person = site.agents.get(agent)
    if person is None or desk is None:
        return
    tx.outbox.add(
        NewItem(
            key=notice.key,
            kind=OutboxKind.NOTICE,
            desk=desk.name,
            mail_from="",
            recipients=(str(person.address),),
            content=_compose(site, desk, person, notice, now),
            created=now,
            ticket=ticket.id if ticket else None,
        )
    )


def _compose(site: Site, desk: Desk, person: Agent, notice: Notice, now: float) -> bytes:
    headers = [
        ("From", mailbox_header(desk.title, desk.address)),
        ("To", mailbox_header(person.title, person.address)),
        ("Subject", notice.subject),
        ("Date", formatdate(now)),
        ("Reply-To", notice.reply_to),
        ("Message-ID", notice.message_id or _message_id(site, person, notice)),
        ("Auto-Submitted", "auto-generated"),
        ("X-Mailproc-Loop", site.hostname),
    ]
    return compose([(name, value) for name, value in headers if value], notice.text, notice.attached)


def _message_id(site: Site, person: Agent, notice: Notice) -> str:
    """The same notice has the same id whenever it is written."""
    serial = int.from_bytes(hashlib.sha256(notice.key.encode()).digest()[:7])
    return site.keyring.notice_id(person.name, serial, site.hostname)
