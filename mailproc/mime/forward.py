"""The mail inside a forward, as a mail of its own author.

A forward as an attachment holds the original, whole.  An inline one holds its text below a block of From:,
Date:, Subject: lines; only such a block is believed, in the languages of mail clients, never free text.  The
mail that comes out names who forwarded it in Resent-From (RFC 5322 section 3.6.6).  Nothing here raises for
what a mail holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import formatdate

from mailproc.mime.field import check_text, encode_field, mailbox_header
from mailproc.mime.quote_words import FORWARD, LABEL, SEPARATOR
from mailproc.mime.reader import Mail
from mailproc.mime.surgery import fields, header_end, normalise_newlines, prepend
from mailproc.model.address import Address, Mailbox
from mailproc.model.line import one_line
from mailproc.model.subject import normalise

_MOST_LINES = 2000  # of the text that are searched
_BLOCK = 12  # lines that a block of labels may have
_ADDRESS = re.compile(r"[^\s<>()\[\]:;,\"]{1,64}@[^\s<>()\[\]:;,\"]{1,200}")
_FORWARDED_ID = "x-forwarded-message-id"  # Thunderbird's
_MAX_COMMENT = 500


@dataclass(frozen=True, slots=True)
class Resender:
    """Who forwards, to which address, and when (seconds since 1970)."""

    mailbox: Mailbox
    desk: Address
    at: float


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The mail inside: who wrote it, and its bytes as they would have come from there."""

    author: Mailbox
    raw: bytes


def is_forward(mail: Mail) -> bool:
    """Does the mail say that it is one, by its subject, its client, or an attached mail?"""
    return normalise(mail.subject).is_forward or mail.has(_FORWARDED_ID) or _attached(mail) is not None


def read_forwarded(mail: Mail, resender: Resender) -> Forwarded | None:
    """The original in a forward; None where it does not say who wrote it."""
    inner = _attached(mail)
    if inner is not None and inner.author is not None:
        top = [*_resent(resender), *_comment(mail)]
        return Forwarded(inner.author, prepend(normalise_newlines(inner.raw), top))
    block = _block(mail.text.split("\n")[:_MOST_LINES])
    author = _mailbox(block.get("from", ""))
    if author is None:
        return None
    return Forwarded(author, _as_if_from(mail, author, block.get("subject", ""), resender))


def _attached(mail: Mail) -> Mail | None:
    return next((inner for inner in mail.embedded if inner.author is not None), None)


def _resent(resender: Resender) -> list[tuple[str, str]]:
    box = resender.mailbox
    return [
        ("Resent-From", mailbox_header(box.name, box.address)),
        ("Resent-To", str(resender.desk)),
        ("Resent-Date", formatdate(resender.at)),
    ]


def _comment(mail: Mail) -> list[tuple[str, str]]:
    """What the agent wrote above an attached mail, so that it is not lost."""
    words = one_line(mail.reply, _MAX_COMMENT)
    return [("Comments", words)] if words and _fits(words) else []


def _fits(text: str) -> bool:
    try:
        check_text(text)
    except ValueError:
        return False
    return True


def _block(lines: Sequence[str]) -> dict[str, str]:
    """The labelled lines above the forwarded text, by what they stand for; {} where there are none."""
    for number, line in enumerate(lines):
        if SEPARATOR.match(line) or FORWARD.match(line):
            found = dict(_labelled(lines[number + 1 : number + 1 + _BLOCK]))
        elif LABEL.match(line):
            found = dict(_labelled(lines[number : number + _BLOCK]))
        else:
            continue
        if "from" in found and ("date" in found or "subject" in found):
            return found
    return {}


def _labelled(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Label and value of each line, with what was wrapped behind it; a blank line after them ends it."""
    kind, value = "", ""
    for line in lines:
        match = LABEL.match(line)
        if match is None and not line.strip() and kind:
            break
        if match is None:
            value = f"{value} {line.strip()}"
            continue
        if kind:
            yield kind, value.strip()
        kind, value = match.lastgroup or "", line[match.end() :].strip().strip("*").strip()
    if kind:
        yield kind, value.strip()


def _mailbox(text: str) -> Mailbox | None:
    """ "Jane Doe <jane@example.org>", "Jane [mailto:jane@example.org]", or the bare address."""
    match = _ADDRESS.search(text)
    address = Address.parse_or_none(match[0].removeprefix("mailto:")) if match else None
    if match is None or address is None:
        return None
    name = text[: match.start()].replace("[mailto:", "").strip(" <[(\"'*")
    return Mailbox(name if _fits(name) else "", address)


def _as_if_from(mail: Mail, author: Mailbox, subject: str, resender: Resender) -> bytes:
    """The forward with its author's From and Subject; its body, with whatever is attached, as it is."""
    raw = normalise_newlines(mail.raw)
    end = header_end(raw)
    new = [
        *_resent(resender),
        ("From", mailbox_header(author.name, author.address)),
        ("To", str(resender.desk)),
        ("Subject", subject if _fits(subject) else ""),
        ("Date", formatdate(mail.date if mail.date is not None else resender.at)),
    ]
    kept = [raw[one.start : one.end] for one in fields(raw) if _is_kept(one.name)]
    return b"".join([*(encode_field(name, value) for name, value in new), *kept, b"\r\n", raw[end:]])


def _is_kept(name: str) -> bool:
    return name.startswith("content-") or name in ("mime-version", "message-id")
