"""Take a history of mail in: the same chain and the same tickets, but nothing is ever answered."""

from __future__ import annotations

import hashlib

from mailproc.mime.reader import read
from mailproc.mime.sender import presumed_sender
from mailproc.mime.surgery import normalise_newlines
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.store.deliveries import NewDelivery
from mailproc.store.protocol import Store


class NoMail(Exception):
    """The bytes are no mail; the text says why."""


async def take_in(store: Store, desk: Desk, raw: bytes, now: float) -> bool:
    """Accept one mail of the past at the time of its Date; False where it is known already, or NoMail."""
    raw = normalise_newlines(raw)
    mail = read(raw)
    if not mail.header_names:
        raise NoMail("no header" if raw.strip() else "empty")
    sender = presumed_sender(mail)
    sha256 = hashlib.sha256(raw).digest()
    new = NewDelivery(
        key=Envelope(sender, desk.address).delivery_key(sha256),
        desk=desk.name,
        mail_from=str(sender or ""),
        rcpt_to=str(desk.address),
        sha256=sha256,
        received=max(0.0, min(mail.date or now, now)),
        is_history=True,
    )
    return await store.write(lambda tx: tx.deliveries.accept_once(new, raw))
