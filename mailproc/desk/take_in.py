"""Take a history of mail in: the same chain and the same tickets, but nothing is ever answered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mailproc.mime.reader import Mail, read
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
    mail = _read(raw)
    new = _delivery(desk, mail, received=max(0.0, min(mail.date or now, now)))
    return await store.write(lambda tx: tx.deliveries.accept_once(new, raw))


@dataclass(frozen=True, slots=True)
class DraggedIn:
    """What became of a mail that an agent put into the folder; ``ticket`` is None where it got no number."""

    is_filed: bool
    ticket: int | None = None


async def take_from_folder(store: Store, desk: Desk, raw: bytes, now: float) -> DraggedIn:
    """Accept a mail that an agent put into the desk's folder, once however often it is asked for; or NoMail.

    It is taken as a mail of its author.  Nothing answers it by itself: an agent has it in his hands, and who
    really sent it cannot be proved any more.
    """
    raw = normalise_newlines(raw)
    new = _delivery(desk, _read(raw), received=now)
    known = await store.read(lambda tx: tx.folders.taken_in(new.key))
    if known is None:
        await store.write(lambda tx: tx.deliveries.accept_once(new, raw))
        return DraggedIn(False)
    return DraggedIn(*known)


def _read(raw: bytes) -> Mail:
    mail = read(raw)
    if not mail.header_names:
        raise NoMail("no header" if raw.strip() else "empty")
    return mail


def _delivery(desk: Desk, mail: Mail, *, received: float) -> NewDelivery:
    sender = presumed_sender(mail)
    sha256 = hashlib.sha256(mail.raw).digest()
    return NewDelivery(
        key=Envelope(sender, desk.address).delivery_key(sha256),
        desk=desk.name,
        mail_from=str(sender or ""),
        rcpt_to=str(desk.address),
        sha256=sha256,
        received=received,
        is_history=True,
    )
