"""Notes that only agents see."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mailproc.desk.site import Site
from mailproc.mime.compose import compose, mailbox_header
from mailproc.mime.reader import read
from mailproc.mime.rewrite import RewritePlan, rewrite
from mailproc.model.address import Mailbox
from mailproc.model.desk import Desk
from mailproc.model.ticket import Direction, MessageStatus, Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.tickets import NewMessage


@dataclass(frozen=True, slots=True)
class Note:
    """What a note is listed by; ``message_id`` is "" for one that nobody can answer."""

    subject: str
    date: float
    message_id: str = ""
    automatic: str = "none"


def add_note(tx: Transaction, ticket: Ticket, text: str, *, who: str, now: float) -> None:
    """Keep ``text`` as a message of the ticket that never leaves."""
    raw = compose([("Subject", f"Note on {ticket.number}"), ("X-Mailproc-Agent", who)], text)
    _keep(tx, ticket, raw, "", text, who=who, now=now)


def keep_note(
    tx: Transaction, site: Site, desk: Desk, ticket: Ticket, raw: bytes, *, who: str, now: float
) -> None:
    """Keep a whole mail of an agent as such a message, with its files; its header is made the desk's."""
    mail = read(raw)
    author = site.agents[who]
    message_id = mail.message_id or f"<note.{hashlib.sha256(raw).hexdigest()[:32]}@{site.hostname}>"
    plan = RewritePlan(
        sender=mailbox_header(author.title, author.address),
        to=(Mailbox(desk.title, desk.address),),
        subject=f"Note on {ticket.number}",
        message_id=message_id,
        date=now,
        tag=site.keyring.tag(ticket.number),
        extra=(("X-Mailproc-Agent", who),),
    )
    _keep(tx, ticket, rewrite(raw, plan), message_id, mail.reply, who=who, now=now)


def _keep(
    tx: Transaction, ticket: Ticket, raw: bytes, message_id: str, text: str, *, who: str, now: float
) -> None:
    note = Note(f"Note on {ticket.number}", date=now, message_id=message_id)
    store_note(tx, ticket, raw, note, who=who, now=now)
    tx.tickets.touch(ticket.id, now)
    tx.history.add_event(ticket, "note", who, _first_line(text), now)


def store_note(tx: Transaction, ticket: Ticket, raw: bytes, note: Note, *, who: str, now: float) -> int:
    """Put a mail beside the messages of a ticket; the row of its message."""
    sha256 = hashlib.sha256(raw).digest()
    tx.deliveries.keep_raw(sha256, raw)
    return tx.tickets.add_message(
        ticket,
        NewMessage(
            delivery=None,
            sha256=sha256,
            direction=Direction.NOTE,
            sender="",
            recipients=(),
            subject=note.subject,
            date=note.date,
            message_id=note.message_id,
            size=len(raw),
            automatic=note.automatic,
            at=now,
            agent=who,
            status=MessageStatus.RECEIVED,
        ),
    )


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
