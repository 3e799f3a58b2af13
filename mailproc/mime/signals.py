"""Read from a mail what it says about where it belongs (see model/follow_up.py).

Message-IDs, addresses and subjects are the sender's to choose: their number and length are bounded here, and
what no database could store is replaced.  Never raises.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable

from mailproc.mime.reader import Mail
from mailproc.model import mac, subject
from mailproc.model.address import Address, Mailbox
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.model.follow_up import Signals, Token
from mailproc.model.judgement import Authentication, Bounce, MailClass

MAX_IDS = 50  # of one mail
MAX_ROOTS = 2  # of them from the beginning of References, where the thread began
MAX_ID = 255  # characters; longer ones are kept as a digest
MAX_PEOPLE = 50

# Octets of a Thread-Index that stay the same through a conversation; replies add five each.
_CONVERSATION = 22


def read_signals(
    mail: Mail,
    envelope: Envelope,
    desk: Desk,
    *,
    authentication: Authentication,
    automatic: MailClass,
    received: float,
    bounce: Bounce | None = None,
) -> Signals:
    """All that a mail says about where it belongs; ``received`` in seconds since 1970 UTC."""
    about = subject.normalise(mail.subject)
    topic = subject.normalise(mail.header("Thread-Topic")).key
    sender = _key(mail.author)
    customer = _key(mail.customer)
    index, index_of_reply = _thread_index(mail.header("Thread-Index"))
    own_id, in_reply_to, references = _ids(mail, bounce)
    return Signals(
        sender=sender,
        people=_people(mail, desk),
        reply_tokens=_address_tokens(mail, envelope, desk),
        subject_tokens=mac.read_tags(mail.subject),
        message_id=own_id,
        in_reply_to=in_reply_to,
        references=references,
        subject_key=about.key,
        is_reply=about.is_reply or index_of_reply,
        is_forward=about.is_forward,
        thread_index=index,
        date=mail.date,
        received=received,
        automatic=automatic,
        aligned=authentication.aligned,
        dmarc_policy=authentication.has_policy,
        forged=authentication.failed or len(mail.authors) > 1,  # which of them would be authenticated?
        customer=customer if customer != sender else "",
        topic_key=topic if topic != about.key else "",
        id_tokens=_id_tokens((own_id, *in_reply_to, *references)),
    )


def _ids(mail: Mail, bounce: Bounce | None) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Own id, In-Reply-To and References, together not more than MAX_IDS."""
    original = (bounce.original_message_id or "",) if bounce else ()
    answered = _stored_ids((*original, *mail.in_reply_to))[:MAX_IDS]
    references = _stored_ids(mail.references)
    room = MAX_IDS - len(answered)
    if len(references) > room:
        newest = max(room - MAX_ROOTS, 0)
        references = (*references[: room - newest], *references[len(references) - newest :])
    return _stored_id(mail.message_id), answered, references


def _stored_ids(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_stored_id(message_id) for message_id in ids if message_id))


def _stored_id(message_id: str) -> str:
    """The form in which an id is compared and stored."""
    if len(message_id) <= MAX_ID and message_id.isprintable() and message_id.isascii():
        return message_id
    digest = hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"<sha256.{digest}>"


def _id_tokens(ids: Iterable[str]) -> dict[str, Token]:
    tokens = ((message_id, mac.read_message_id(message_id)) for message_id in ids)
    return {message_id: token for message_id, token in tokens if token}


def _address_tokens(mail: Mail, envelope: Envelope, desk: Desk) -> tuple[Token, ...]:
    """From the plus-address that the mail came to, then from those in To and Cc."""
    addresses = [envelope.rcpt_to, *(box.address for box in (*mail.to, *mail.cc)[:MAX_PEOPLE])]
    found = (mac.read_address(desk, address) for address in addresses)
    return tuple(dict.fromkeys(token for token in found if token))


def _people(mail: Mail, desk: Desk) -> frozenset[str]:
    boxes = (*mail.to, *mail.cc)[:MAX_PEOPLE]
    return frozenset(_stored_address(box.address) for box in boxes if desk.extension_of(box.address) is None)


def _key(mailbox: Mailbox | None) -> str:
    return _stored_address(mailbox.address) if mailbox else ""


def _stored_address(address: Address) -> str:
    return address.key.encode("utf-8", "replace").decode("utf-8")


def _thread_index(text: str) -> tuple[str, bool]:
    """Outlook's conversation id in hex, and is the mail a reply in it? ([MS-OXOMSG] section 2.2.1.3)"""
    try:
        octets = base64.b64decode(text[:2000], validate=False) if text else b""
    except (binascii.Error, ValueError):
        return "", False
    if len(octets) < _CONVERSATION:
        return "", False
    return octets[:_CONVERSATION].hex(), len(octets) > _CONVERSATION
