"""An agent's mail made the desk's: the header of an answer as it leaves.

Who it is from, to whom, which ticket it belongs to and what came before is written anew; what tells of the
agent's own machine, account and address is taken out (``DROPPED``); every other field stays as the agent's
client wrote it, octet for octet, and so does the body (RFC 5322 section 3.6).  What a mail leaves with is
clean: one of each field, lines of at most 998 octets (section 2.1.1), an empty line, the body.

ValueError: a value of the plan is not fit for a header; see ``mailproc.mime.field``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate

from mailproc.mime.field import encode_field, mailbox_header
from mailproc.mime.reader import Mail, read
from mailproc.mime.surgery import fields, normalise_newlines
from mailproc.model.address import Address, Mailbox
from mailproc.model.subject import with_tag

MAX_REFERENCES = 30  # message ids; the first and the newest are kept

# What the plan says.
_WRITTEN = frozenset("from sender to cc bcc reply-to subject date message-id in-reply-to references".split())
# What tells of the agent's machine, account or address, what is spoilt by the rewriting, and what is ours.
DROPPED = frozenset(
    """
    received x-received return-path delivered-to x-original-to envelope-to apparently-to original-recipient
    user-agent x-mailer x-mimeole x-newsreader x-originating-ip x-originating-email x-originating-client
    x-source-ip x-sender x-sender-ip x-authenticated-sender x-authentication-warning x-auth-id x-get-message-sender-via
    x-virus-scanned x-identity-key x-account-key x-universally-unique-identifier x-apple-base-url fcc x-fcc
    x-unsent x-tuid x-uid x-uidl x-keywords x-status status lines content-length x-priority-agent
    disposition-notification-options return-receipt-to x-confirm-reading-to errors-to
    mail-followup-to mail-reply-to followup-to newsgroups
    autocrypt autocrypt-setup-message dkim-signature domainkey-signature authentication-results received-spf
    arc-seal arc-message-signature arc-authentication-results auto-submitted precedence
    """.split()
)
DROPPED_PREFIXES = (
    "resent-", "list-", "x-mailproc-", "x-old-", "x-mozilla-", "x-enigmail-", "x-ms-exchange-",
    "x-microsoft-", "x-apple-mail-", "x-google-", "x-gm-", "x-evolution-", "x-kmail-", "x-k9mail-",
    "x-claws-", "x-sylpheed-", "x-spam-", "x-forefront-", "x-exchange-", "x-rspamd-",
)  # fmt: skip
_RECEIPT = "disposition-notification-to"
_ID = re.compile(r"<[^<>\s\x00-\x1f\x7f]{1,900}>")


@dataclass(frozen=True, slots=True)
class RewritePlan:
    """What the header of an answer says.  Message ids have their angle brackets."""

    sender: str  # the whole value of From; see ``from_header``
    to: tuple[Mailbox, ...]
    message_id: str
    date: float  # seconds since 1970, for a mail without a usable Date
    cc: tuple[Mailbox, ...] = ()
    subject: str = ""  # of the ticket: for a mail that has none
    tag: str = ""  # [T#…]; "" for none
    reply_to: str = ""  # the ticket's address; "" for none
    in_reply_to: tuple[str, ...] = ()  # what it answers, where the agent's client did not say so
    references: tuple[str, ...] = ()  # of the customer's mail, oldest first
    own: frozenset[str] = frozenset()  # addresses in lower case that stand in no To and Cc: ours
    receipt_to: str = ""  # where receipts go that the agent asks for; "": none are asked for
    extra: tuple[tuple[str, str], ...] = ()  # further fields


def rewrite(raw: bytes, plan: RewritePlan) -> bytes:
    """The mail with its new header, CRLF; the body is the agent's."""
    mail = read(normalise_newlines(raw))
    new = b"".join(encode_field(name, value) for name, value in _written(mail, plan))
    kept = b"".join(_kept(mail, plan))
    return new + kept + b"\r\n" + mail.raw[mail.parts[0].start :]


def from_header(name: str, address: Address) -> str:
    """The value of From for a display name and a desk's address."""
    return mailbox_header(name, address)


def _written(mail: Mail, plan: RewritePlan) -> Iterator[tuple[str, str]]:
    yield "From", plan.sender
    yield "To", _addresses(plan.to, plan.own)
    if cc := _addresses(tuple(one for one in plan.cc if one not in plan.to), plan.own):
        yield "Cc", cc
    yield "Subject", with_tag(mail.subject or plan.subject, plan.tag)
    yield "Date", mail.raw_header("date") if mail.date is not None else formatdate(plan.date)
    yield "Message-ID", plan.message_id
    answered = _ids((*mail.in_reply_to, *plan.in_reply_to))
    if answered:
        yield "In-Reply-To", " ".join(answered[:1])
    if references := _references(mail, plan, answered):
        yield "References", " ".join(references)
    if plan.reply_to:
        yield "Reply-To", plan.reply_to
    if plan.receipt_to and mail.has(_RECEIPT):
        yield "Disposition-Notification-To", plan.receipt_to
    if mail.has("content-type") and not mail.has("mime-version"):
        yield "MIME-Version", "1.0"
    yield from plan.extra


def _addresses(mailboxes: tuple[Mailbox, ...], own: frozenset[str]) -> str:
    by_address = {one.address.key: one for one in reversed(mailboxes) if one.address.key not in own}
    return ", ".join(mailbox_header(one.name, one.address) for one in reversed(by_address.values()))


def _references(mail: Mail, plan: RewritePlan, answered: tuple[str, ...]) -> tuple[str, ...]:
    """RFC 5322 section 3.6.4: what the answered mail refers to, then that mail itself."""
    ids = _ids((*plan.references, *mail.references, *answered))
    ids = (*(one for one in ids if one not in answered[:1]), *answered[:1])
    return ids if len(ids) <= MAX_REFERENCES else (ids[0], *ids[1 - MAX_REFERENCES :])


def _ids(ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in ids if one.isascii() and _ID.fullmatch(one)))


def _kept(mail: Mail, plan: RewritePlan) -> Iterator[bytes]:
    header = mail.raw[: mail.parts[0].start]
    for field in fields(header):
        if not is_dropped(field.name):
            line = header[field.start : field.end]
            yield line if line.endswith(b"\r\n") else line + b"\r\n"


def is_dropped(name: str) -> bool:
    """Does a field of this lower-case name not go on as it is?"""
    return name in _WRITTEN or name in DROPPED or name == _RECEIPT or name.startswith(DROPPED_PREFIXES)
