"""What the header of a mail gives away to the spam classifier, as tokens.

People (``from:``, ``to:``, ``reply:``), the words of the subject and how they are written (``subject:``),
which fields there are (``header:``), what the trace says (``received:``, ``auth:``), and the program that
wrote the mail (``mailer:``, ``id:``, ``date:``). Headers that this system or a mail filter adds are never
read: what was learnt of them would be our own score.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from mailproc.mime.reader import Mail
from mailproc.mime.tokens import MOST_SUBJECT, words_in
from mailproc.model.address import Mailbox

_MOST_RECEIVED = 5  # hops from the top
_MOST_PEOPLE = 20
_MOST_FIELDS = 60
_LONGEST_VALUE = 300

# What our own side, a filter or a list adds says nothing of the sender.
_NOT_THE_SENDERS = (
    "x-mailproc", "x-old-", "x-spam", "x-rspam", "x-virus", "x-bogosity", "x-amavis", "x-dspam", "x-greylist",
    "x-original-to", "x-ms", "x-forefront", "x-microsoft", "x-eop", "x-sid", "x-message", "x-incoming",
    "x-status", "x-uid", "x-mozilla", "x-keywords", "delivered-to", "return-path", "received", "arc-",
    "authentication", "dkim", "status", "lines", "content-length",
)  # fmt: skip
_SUBJECT_MARKS = re.compile(r"[!?$%*#€£=<>~_|]+|\.\.\.+|[A-Z]{4,}")
_RECEIVED_FROM = re.compile(r"from\s{1,9}([^\s();]{1,120})(?:\s{1,9}\(([^()]{0,200})\))?", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\d.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.\d{1,3}(?![\d.])")
_RESULT = re.compile(r"\b(spf|dkim|dmarc|arc|compauth)=([a-z]{3,12})\b", re.IGNORECASE)
_ZONE = re.compile(r"([+-]\d{4})\b")
_WEEKDAY = re.compile(r"^\w{3}, ")
_TELLING_FIELDS = (
    "x-priority", "x-msmail-priority", "importance", "mime-version", "precedence", "auto-submitted",
)  # fmt: skip
_LETTERS = re.compile(r"[a-z]+")
_DIGITS = re.compile(r"\d+")


def head_tokens(mail: Mail) -> Iterator[str]:
    """The tokens of a mail's header; some are given more than once."""
    yield from _subject(mail)
    yield from _author(mail)
    yield from _recipients(mail)
    yield from _fields(mail)
    yield from _program(mail)
    yield from _trace(mail)


def _subject(mail: Mail) -> Iterator[str]:
    subject = mail.subject[: _LONGEST_VALUE * 4]
    words = words_in(subject)[:MOST_SUBJECT]
    yield from (f"subject:{word}" for word in words)
    yield from (f"subject:{one} {other}" for one, other in pairwise(words))
    for mark in _SUBJECT_MARKS.findall(subject)[:20]:
        yield f"subject:mark {mark[:6] if not mark.isalpha() else 'CAPS'}"
    raw = mail.raw_header("subject")[:_LONGEST_VALUE]
    if "=?" in raw:
        yield "subject:charset " + raw.partition("=?")[2].partition("?")[0].lower()[:20]
    elif not raw.isascii():
        yield "subject:undeclared"
    if not subject.strip():
        yield "subject:none"
    elif subject.isupper():
        yield "subject:upper"


def _author(mail: Mail) -> Iterator[str]:
    author = mail.author
    domain = author.address.domain.lower() if author else ""
    host = mail.message_id.rpartition("@")[2].rstrip(">").lower()
    if not host:
        yield "id:none"
    else:
        yield "id:own" if host == domain or host.endswith(f".{domain}") else "id:other"
    if author is None:
        yield "from:none"
        return
    yield from _mailbox("from", author)
    if len(mail.authors) > 1:
        yield "from:several"
    if mail.reply_to is not None:
        same = mail.reply_to.address.domain.lower() == domain
        yield "reply:same" if same else "reply:other"
        yield f"reply:@{mail.reply_to.address.domain.lower()}"


def _mailbox(kind: str, mailbox: Mailbox) -> Iterator[str]:
    address = mailbox.address
    domain, local = address.domain.lower(), address.local.lower()
    yield f"{kind}:{local[:40]}@{domain[:60]}"
    yield from (f"{kind}:@{part}" for part in domain_parts(domain))
    yield f"{kind}:local {_DIGITS.sub('9', local)[:20]}"
    if mailbox.name:
        yield from (f"{kind}:name {word}" for word in words_in(mailbox.name)[:10])
        if "@" in mailbox.name:
            yield f"{kind}:name is address"
    else:
        yield f"{kind}:no name"


def domain_parts(domain: str) -> list[str]:
    """``a.b.example.org`` as ``a.b.example.org``, ``b.example.org``, ``example.org``, ``org``; at most 5."""
    labels = domain[:200].split(".")[-5:]
    return [".".join(labels[place:]) for place in range(len(labels))]


def _recipients(mail: Mail) -> Iterator[str]:
    for kind, people in (("to", mail.to), ("cc", mail.cc)):
        yield f"{kind}:{len(people).bit_length()}"
        for mailbox in people[:_MOST_PEOPLE]:
            yield f"{kind}:@{mailbox.address.domain.lower()[:60]}"
            yield f"{kind}:named" if mailbox.name else f"{kind}:no name"
            if mailbox.address.local.lower() in mailbox.name.lower():
                yield f"{kind}:name is local part"
    if mail.author is not None and mail.author.address in [each.address for each in mail.to[:_MOST_PEOPLE]]:
        yield "to:author"


def _fields(mail: Mail) -> Iterator[str]:
    for name in mail.header_names[:_MOST_FIELDS]:
        if not name.startswith(_NOT_THE_SENDERS):
            yield f"header:{name[:40]}"
    for name in ("from", "subject", "to", "date", "content-type", "message-id", "mime-version"):
        if not mail.has(name):
            yield f"header:no {name}"


def _program(mail: Mail) -> Iterator[str]:
    for name in ("x-mailer", "user-agent", "x-mimeole", "organization"):
        if mail.has(name):
            value = mail.header(name)[:_LONGEST_VALUE].lower()
            yield f"mailer:{_DIGITS.sub('9', value)[:60]}"
            yield from (f"mailer:{word}" for word in _LETTERS.findall(value)[:12])
    for name in _TELLING_FIELDS:
        if mail.has(name):
            yield f"header:{name} {mail.header(name)[:20].lower()}"
    local = mail.message_id.partition("@")[0]
    yield "id:form " + _LETTERS.sub("a", _DIGITS.sub("9", local.lower()))[:30]
    date = mail.raw_header("date")[:60]
    zone = _ZONE.search(date)
    yield f"date:{zone[1] if zone else 'no zone'}"
    if not _WEEKDAY.match(date):
        yield "date:no weekday"
    yield "answer:yes" if mail.has("in-reply-to") or mail.has("references") else "answer:no"


def _trace(mail: Mail) -> Iterator[str]:
    hops = mail.raw_headers("received")[:_MOST_RECEIVED]
    yield f"received:{len(hops)}"
    for hop in hops:
        yield from _hop(hop[:600])
    if mail.has("authentication-results"):
        results = mail.raw_header("authentication-results")[:1000]
        yield from (f"auth:{method.lower()}={word.lower()}" for method, word in _RESULT.findall(results)[:12])
    yield "auth:signed" if mail.has("dkim-signature") else "auth:unsigned"


def _hop(hop: str) -> Iterator[str]:
    if match := _RECEIVED_FROM.search(hop):
        host = match[1].lower().strip("[].")
        if not _IPV4.fullmatch(host):
            yield from (f"received:{part}" for part in domain_parts(host)[-3:])
        if match[2] and match[2].lower().startswith("unknown"):
            yield "received:unknown host"
    for one, two, three in _IPV4.findall(hop)[:4]:
        yield f"received:{one}.{two}"
        yield f"received:{one}.{two}.{three}"
