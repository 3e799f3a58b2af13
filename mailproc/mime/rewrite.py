"""An agent's mail made the desk's: the header of an answer as it leaves.

Who it is from, to whom, which ticket it belongs to and what came before is written anew; what tells of the
agent's own machine, account and address is taken out (``dropped_fields``); every other field stays as the
agent's client wrote it, and so does the body, octet for octet, but for a salutation and a signature where the
plan has them.  The header that leaves has one of each field (RFC 5322 section 3.6), no line over 998 octets
where there is a place to fold (section 2.1.1), an empty line, and then the body.

ValueError: a value of the plan is not fit for a header; see ``mailproc.mime.field``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate

from mailproc.mime.dropped_fields import is_dropped
from mailproc.mime.field import encode_field, is_free_text, mailbox_header
from mailproc.mime.frame import framed
from mailproc.mime.reader import Mail, read
from mailproc.mime.surgery import fields, normalise_newlines
from mailproc.model.address import Address, Mailbox
from mailproc.model.subject import with_tag

MAX_REFERENCES = 30  # message ids; the first and the newest are kept
MAX_SUBJECT = 900  # characters

_RECEIPT = "Disposition-Notification-To"
_ID = re.compile(r"<[!-;=?-~]{1,900}>")
_DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(?::\d\d)? [+-]\d{4}(?: \([A-Za-z ]+\))?"
)
_LONG_LINE = re.compile(rb"[^\r\n]{999}")
_FOLD = re.compile(rb"(?<=[^ \t\r\n])([ \t])(?=[^ \t\r\n])")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class RewritePlan:
    """What the header of an answer says.  Message ids have their angle brackets."""

    sender: str  # the whole value of From, as ``from_header`` makes it
    to: tuple[Mailbox, ...]
    message_id: str
    date: float  # seconds since 1970, for a mail without a usable Date
    cc: tuple[Mailbox, ...] = ()
    subject: str = ""  # of the ticket: for a mail that has none
    tag: str = ""  # [T#…]; "" for none
    reply_to: str = ""  # the ticket's address; "" for none
    in_reply_to: tuple[str, ...] = ()  # what it answers, where the agent's client did not say so
    references: tuple[str, ...] = ()  # of the customer's mail, oldest first
    receipt_to: str = ""  # where receipts go that the agent asks for; "": none are asked for
    salutation: str = ""  # above the agent's text
    signature: str = ""  # below it
    extra: tuple[tuple[str, str], ...] = ()  # further fields


def rewrite(raw: bytes, plan: RewritePlan) -> bytes:
    """The mail with its new header, CRLF."""
    mail = read(framed(normalise_newlines(raw), plan.salutation, plan.signature))
    new = b"".join(encode_field(name, value) for name, value in _written(mail, plan))
    return new + b"".join(_kept(mail)) + b"\r\n" + mail.raw[mail.parts[0].start :]


def from_header(name: str, address: Address) -> str:
    """The value of From for a display name and an address."""
    return mailbox_header(_one_line(name), address)


def _written(mail: Mail, plan: RewritePlan) -> Iterator[tuple[str, str]]:
    yield "From", plan.sender
    yield from _recipients(plan)
    yield "Subject", _subject(mail, plan)
    yield "Date", _date(mail, plan)
    yield "Message-ID", plan.message_id
    yield from _thread(mail, plan)
    if plan.reply_to:
        yield "Reply-To", plan.reply_to
    if plan.receipt_to and mail.has(_RECEIPT):
        yield _RECEIPT, plan.receipt_to
    if mail.has("content-type") and not mail.has("mime-version"):
        yield "MIME-Version", "1.0"
    yield from plan.extra


def _recipients(plan: RewritePlan) -> Iterator[tuple[str, str]]:
    """Everybody once."""
    to = {one.address.key: one for one in reversed(plan.to)}
    cc = {one.address.key: one for one in reversed(plan.cc) if one.address.key not in to}
    for name, people in (("To", to), ("Cc", cc)):
        if people:
            mailboxes = reversed(people.values())
            yield name, ", ".join(_mailbox(one) for one in mailboxes)


def _mailbox(mailbox: Mailbox) -> str:
    return mailbox_header(_one_line(mailbox.name), mailbox.address)


def _subject(mail: Mail, plan: RewritePlan) -> str:
    return _one_line(with_tag(mail.subject or plan.subject, plan.tag))[:MAX_SUBJECT]


def _date(mail: Mail, plan: RewritePlan) -> str:
    """The agent's own where it is as RFC 5322 section 3.3 wants it; otherwise the plan's."""
    own = mail.raw_header("date")
    return own if mail.date is not None and _DATE.fullmatch(own) else formatdate(plan.date)


def _thread(mail: Mail, plan: RewritePlan) -> Iterator[tuple[str, str]]:
    """RFC 5322 section 3.6.4: References are what the answered mail refers to, then that mail itself."""
    answered = _ids((*mail.in_reply_to, *plan.in_reply_to))[:1]
    earlier = _ids((*plan.references, *mail.references, *mail.in_reply_to, *plan.in_reply_to))
    references = [one for one in earlier if one not in answered]
    if len(references) >= MAX_REFERENCES:
        references = [references[0], *references[2 - MAX_REFERENCES :]]
    if answered:
        yield "In-Reply-To", answered[0]
    if references or answered:
        yield "References", " ".join((*references, *answered))


def _ids(ids: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(_ID.fullmatch, ids)))


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _kept(mail: Mail) -> Iterator[bytes]:
    """The fields that stay, each as it stands."""
    header = mail.raw[: mail.parts[0].start]
    for field in fields(header):
        if not is_dropped(field.name):
            yield _fit(field.name, header[field.start : field.end].rstrip(b"\r\n") + b"\r\n")


def _fit(name: str, lines: bytes) -> bytes:
    """A field that a relay may take: folded where it is too long, free text in it encoded (RFC 2047)."""
    if not lines.isascii() and is_free_text(name):
        written = lines.partition(b":")[0].decode("ascii").strip()
        return encode_field(written, _one_line(read(lines).header(name)))
    return _FOLD.sub(rb"\r\n\1", lines) if _LONG_LINE.search(lines) else lines
