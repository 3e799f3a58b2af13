"""What the header of a mail gives away to the spam classifier, as tokens.

People (``from:``, ``to:``, ``reply:``), the words of the subject and how they are written (``subject:``),
which fields there are (``header:``), what the trace says (``received:``, ``auth:``), and the program that
wrote the mail (``mailer:``, ``id:``, ``date:``). Headers that this system or a mail filter adds are never
read: what was learnt of them would be our own score.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
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
# It begins with a digit, by which a text is searched fast; what stands before is looked at later.
_IPV4 = re.compile(r"(\d(?<![\d.]\d)\d{0,2})\.(\d{1,3})\.(\d{1,3})\.\d{1,3}(?![\d.])")
_RESULT = re.compile(r"\b(spf|dkim|dmarc|arc|compauth)=([a-z]{3,12})\b", re.IGNORECASE)
_ZONE = re.compile(r"([+-]\d{4})\b")
_WEEKDAY = re.compile(r"^\w{3}, ")
_TELLING_FIELDS = frozenset({
    "x-priority", "x-msmail-priority", "importance", "mime-version", "precedence", "auto-submitted",
})  # fmt: skip
_OF_PROGRAMS = frozenset({"x-mailer", "user-agent", "x-mimeole", "organization"})
_OF_ANSWERS = frozenset({"in-reply-to", "references"})
_EXPECTED = frozenset({"from", "subject", "to", "date", "content-type", "message-id", "mime-version"})
_LETTERS = re.compile(r"[a-z]+")
_DIGITS = re.compile(r"\d+")


def head_tokens(mail: Mail) -> list[str]:
    """The tokens of a mail's header; some are given more than once."""
    there = mail.header_set
    return [
        *_subject(mail),
        *_author(mail),
        *_recipients(mail),
        *_fields(mail.header_names[:_MOST_FIELDS], there),
        *_program(mail, there),
        *_trace(mail, there),
    ]


def _subject(mail: Mail) -> list[str]:
    subject = mail.subject[: _LONGEST_VALUE * 4]
    words = words_in(subject)[:MOST_SUBJECT]
    found = [f"subject:{word}" for word in words]
    found += [f"subject:{one} {other}" for one, other in pairwise(words)]
    for mark in _SUBJECT_MARKS.findall(subject)[:20]:
        found.append(f"subject:mark {mark[:6] if not mark.isalpha() else 'CAPS'}")
    raw = mail.raw_header("subject")[:_LONGEST_VALUE]
    if "=?" in raw:
        found.append("subject:charset " + raw.partition("=?")[2].partition("?")[0].lower()[:20])
    elif not raw.isascii():
        found.append("subject:undeclared")
    if not subject.strip():
        found.append("subject:none")
    elif subject.isupper():
        found.append("subject:upper")
    return found


def _author(mail: Mail) -> list[str]:
    author = mail.author
    domain = author.address.domain.lower() if author else ""
    host = mail.message_id.rpartition("@")[2].rstrip(">").lower()
    own = "id:own" if host == domain or host.endswith(f".{domain}") else "id:other"
    found = [own if host else "id:none"]
    if author is None:
        return [*found, "from:none"]
    found += _mailbox("from", author)
    if len(mail.authors) > 1:
        found.append("from:several")
    if mail.reply_to is not None:
        elsewhere = mail.reply_to.address.domain.lower()
        found += ("reply:same" if elsewhere == domain else "reply:other", f"reply:@{elsewhere}")
    return found


def _mailbox(kind: str, mailbox: Mailbox) -> list[str]:
    address = mailbox.address
    domain, local = address.domain.lower(), address.local.lower()
    found = [f"{kind}:{local[:40]}@{domain[:60]}", f"{kind}:local {_DIGITS.sub('9', local)[:20]}"]
    found += [f"{kind}:@{part}" for part in domain_parts(domain)]
    if not mailbox.name:
        return [*found, f"{kind}:no name"]
    found += [f"{kind}:name {word}" for word in words_in(mailbox.name)[:10]]
    return [*found, f"{kind}:name is address"] if "@" in mailbox.name else found


@lru_cache(maxsize=4096)  # a mail names some hosts several times, and so do the next mails
def domain_parts(domain: str) -> tuple[str, ...]:
    """``a.b.example.org`` as ``a.b.example.org``, ``b.example.org``, ``example.org``, ``org``; at most 5."""
    labels = domain[:200].split(".")[-5:]
    return tuple([".".join(labels[place:]) for place in range(len(labels))])


def _recipients(mail: Mail) -> list[str]:
    found = []
    for kind, people in (("to", mail.to), ("cc", mail.cc)):
        found.append(f"{kind}:{len(people).bit_length()}")
        for mailbox in people[:_MOST_PEOPLE]:
            found.append(f"{kind}:@{mailbox.address.domain.lower()[:60]}")
            found.append(f"{kind}:named" if mailbox.name else f"{kind}:no name")
            if mailbox.address.local.lower() in mailbox.name.lower():
                found.append(f"{kind}:name is local part")
    if mail.author is not None and mail.author.address in [each.address for each in mail.to[:_MOST_PEOPLE]]:
        found.append("to:author")
    return found


def _fields(names: Sequence[str], there: AbstractSet[str]) -> list[str]:
    missing = _EXPECTED - there
    return [*filter(None, map(_field, names)), *[f"header:no {name}" for name in missing]]


@lru_cache(maxsize=4096)  # some hundred names are in use
def _field(name: str) -> str:
    """The token of one field, "" where it is not the sender's."""
    return "" if name.startswith(_NOT_THE_SENDERS) else f"header:{name[:40]}"


def _program(mail: Mail, there: AbstractSet[str]) -> list[str]:
    found = []
    for name in _OF_PROGRAMS & there:
        value = mail.header(name)[:_LONGEST_VALUE].lower()
        found.append(f"mailer:{_DIGITS.sub('9', value)[:60]}")
        found += [f"mailer:{word}" for word in _LETTERS.findall(value)[:12]]
    found += [f"header:{name} {mail.header(name)[:20].lower()}" for name in _TELLING_FIELDS & there]
    local = mail.message_id.partition("@")[0]
    found.append("id:form " + _LETTERS.sub("a", _DIGITS.sub("9", local.lower()))[:30])
    date = mail.raw_header("date")[:60]
    zone = _ZONE.search(date)
    found.append(f"date:{zone[1] if zone else 'no zone'}")
    if not _WEEKDAY.match(date):
        found.append("date:no weekday")
    found.append("answer:no" if _OF_ANSWERS.isdisjoint(there) else "answer:yes")
    return found


def _trace(mail: Mail, there: AbstractSet[str]) -> list[str]:
    hops = mail.raw_headers("received", _MOST_RECEIVED)
    found = [f"received:{len(hops)}", "auth:signed" if "dkim-signature" in there else "auth:unsigned"]
    for hop in hops:
        found += _hop(hop[:600])
    if "authentication-results" in there:
        results = mail.raw_header("authentication-results")[:1000]
        found += [f"auth:{method.lower()}={word.lower()}" for method, word in _RESULT.findall(results)[:12]]
    return found


def _hop(hop: str) -> list[str]:
    found = []
    if match := _RECEIVED_FROM.search(hop):
        host = match[1].lower().strip("[].")
        if not _IPV4.fullmatch(host):
            found += [f"received:{part}" for part in domain_parts(host)[-3:]]
        if match[2] and match[2].lower().startswith("unknown"):
            found.append("received:unknown host")
    for one, two, three in _IPV4.findall(hop)[:4]:
        found += (f"received:{one}.{two}", f"received:{one}.{two}.{three}")
    return found
