"""Adding parts to a mail (RFC 2046 section 5.1.3): behind those that it has, or around its only one.

What was in the mail stays as it is, octet for octet: a multipart/mixed gets one more part before its end, any
other mail becomes the first part of a new one.  Nothing raises for what a mail holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from mailproc.mime.parts import Part
from mailproc.mime.reader import Mail, read
from mailproc.mime.surgery import fields, prepend

_MIXED = "multipart/mixed"


def attach(raw: bytes, entities: Sequence[bytes]) -> bytes:
    """The mail with these parts, whole MIME entities with CRLF line ends, behind its own."""
    if not entities:
        return raw
    mail = read(raw)
    end = _end_of_parts(mail, entities)
    return _wrapped(mail, entities) if end is None else _appended(mail, entities, end)


def _end_of_parts(mail: Mail, entities: Sequence[bytes]) -> int | None:
    """Where the last part of a closed multipart/mixed ends; None where another part cannot follow it."""
    root = mail.parts[0]
    children = [part for part in mail.parts if part.parent is root]
    if root.type != _MIXED or not children:
        return None
    line = _line(root)
    end = children[-1].end
    is_closed = mail.raw.startswith(b"\r\n" + line + b"--", end)
    return end if is_closed and not any(line in entity for entity in entities) else None


def _line(root: Part) -> bytes:
    return b"--" + root.parameters.get("boundary", "").encode("utf-8", "replace")


def _appended(mail: Mail, entities: Sequence[bytes], end: int) -> bytes:
    between = b"\r\n" + _line(mail.parts[0]) + b"\r\n"
    return mail.raw[:end] + b"".join(between + entity for entity in entities) + mail.raw[end:]


def _wrapped(mail: Mail, entities: Sequence[bytes]) -> bytes:
    """A new multipart/mixed; the fields that describe the content go with it into the first part."""
    start = mail.parts[0].start
    header, body = mail.raw[:start], mail.raw[start:]
    all_fields = [(field.name, header[field.start : field.end]) for field in fields(header)]
    described = b"".join(field for name, field in all_fields if name.startswith("content-"))
    others = b"".join(
        field for name, field in all_fields if not name.startswith("content-") and name != "mime-version"
    )
    first = described + b"\r\n" + body
    # A digest of the content cannot stand in the content, so this line is surely not in it.
    boundary = "=_" + hashlib.sha256(b"".join((first, *entities))).hexdigest()[:40]
    line = f"\r\n--{boundary}".encode()
    parts = b"".join(line + b"\r\n" + entity for entity in (first, *entities))
    is_plain = all(entity.isascii() for entity in (first, *entities))
    top = [
        ("MIME-Version", "1.0"),
        ("Content-Type", f'{_MIXED}; boundary="{boundary}"'),
        ("Content-Transfer-Encoding", "7bit" if is_plain else "8bit"),
    ]
    return prepend(others, top) + parts + line + b"--\r\n"
