"""Notes that only agents see."""

from __future__ import annotations

import hashlib

from mailproc.mime.compose import compose
from mailproc.model.ticket import Direction, MessageStatus, Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.tickets import NewMessage


def add_note(tx: Transaction, ticket: Ticket, text: str, *, who: str, now: float) -> None:
    """Keep ``text`` as a message of the ticket that never leaves."""
    raw = compose([("Subject", f"Note on {ticket.number}"), ("X-Mailproc-Agent", who)], text)
    sha256 = hashlib.sha256(raw).digest()
    tx.deliveries.keep_raw(sha256, raw)
    tx.tickets.add_message(
        ticket,
        NewMessage(
            delivery=None,
            sha256=sha256,
            direction=Direction.NOTE,
            sender="",
            recipients=(),
            subject=f"Note on {ticket.number}",
            date=now,
            message_id="",
            size=len(raw),
            automatic="none",
            at=now,
            agent=who,
            status=MessageStatus.RECEIVED,
        ),
    )
    tx.tickets.touch(ticket.id, now)
    tx.history.add_event(ticket, "note", who, _first_line(text), now)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
