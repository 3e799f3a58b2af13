"""An answer that waits in the outbox, made without the submission: for what becomes of it afterwards."""

from __future__ import annotations

import hashlib

from mailproc.model.outbox import NewItem, OutboxKind
from mailproc.model.ticket import Direction, MessageStatus, Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.tickets import NewMessage
from tests.unit.desk.agents_desk import CARLA

TEXT = b"From: support@example.org\r\nTo: carla@customer.example\r\nSubject: Re\r\n\r\nTry again.\r\n"


def add_answer(tx: Transaction, ticket: Ticket, message_id: str, *recipients: str) -> int:
    """One of Alice's, to the customer by default; its message."""
    message = tx.tickets.add_message(
        ticket,
        NewMessage(
            delivery=None,
            sha256=hashlib.sha256(TEXT).digest(),
            direction=Direction.OUT,
            sender="support@example.org",
            recipients=recipients or (CARLA,),
            subject="Re",
            date=1.0,
            message_id=message_id,
            size=len(TEXT),
            automatic="none",
            at=1.0,
            agent="alice",
            status=MessageStatus.WAITING,
        ),
    )
    item = NewItem(
        key=f"reply:{message}",
        kind=OutboxKind.REPLY,
        desk=ticket.desk,
        mail_from="support@example.org",
        recipients=recipients or (CARLA,),
        content=TEXT,
        created=1.0,
        ticket=ticket.id,
        message=message,
    )
    assert tx.outbox.add(item)
    return message
