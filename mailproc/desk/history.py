"""Take a history of mail in: the same chain and the same tickets, but nothing is ever answered."""

from __future__ import annotations

import hashlib
import mailbox
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailproc.mime.reader import read
from mailproc.mime.surgery import normalise_newlines
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.store.deliveries import NewDelivery
from mailproc.store.protocol import Store


@dataclass(frozen=True, slots=True)
class OldMail:
    """One mail of a history: where it lies, and its bytes with CRLF line ends."""

    place: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What lay among the mails and is none."""

    place: str
    reason: str


def find_mails(path: Path) -> Iterator[OldMail | Unreadable]:
    """The mails of a file, a directory of mails, an mbox or a Maildir."""
    if path.is_dir() and (path / "cur").is_dir() and (path / "new").is_dir():
        for name in ("cur", "new"):
            yield from _files(path / name)
    elif path.is_dir():
        yield from _files(path)
    elif _is_mbox(path):
        yield from _mbox(path)
    else:
        yield _file(path)


def _files(folder: Path) -> Iterator[OldMail | Unreadable]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield _file(path)


def _file(path: Path) -> OldMail | Unreadable:
    try:
        return _checked(str(path), path.read_bytes())
    except OSError as error:
        return Unreadable(str(path), error.strerror or str(error))


def _is_mbox(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(5) == b"From "
    except OSError:
        return False


def _mbox(path: Path) -> Iterator[OldMail | Unreadable]:
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.iterkeys():
            yield _checked(f"{path}:{key + 1}", box.get_bytes(key))
    finally:
        box.close()


def _checked(place: str, raw: bytes) -> OldMail | Unreadable:
    if not raw.strip():
        return Unreadable(place, "empty")
    if raw.startswith(b"From "):
        raw = raw.partition(b"\n")[2]
    mail = read(raw)
    if not mail.header_names:
        return Unreadable(place, "no header")
    return OldMail(place, normalise_newlines(raw))


async def take_in(store: Store, desk: Desk, old: OldMail, now: float) -> bool:
    """Accept one mail of a history at the time of its Date; False where it is known already."""
    mail = read(old.raw)
    sender = mail.author.address if mail.author else None
    if mail.has("return-path"):
        sender = Address.parse_or_none(mail.header("return-path").strip().strip("<>"))
    sha256 = hashlib.sha256(old.raw).digest()
    new = NewDelivery(
        key=Envelope(sender, desk.address).delivery_key(sha256),
        desk=desk.name,
        mail_from=str(sender or ""),
        rcpt_to=str(desk.address),
        sha256=sha256,
        received=min(mail.date or now, now),
        is_history=True,
    )
    return await store.write(lambda tx: tx.deliveries.accept_once(new, old.raw))
