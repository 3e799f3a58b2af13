"""Changing single header fields of a raw mail, every other byte left as it is.

A mail that is parsed and written again is another mail: signatures break and defects turn into other
defects.  Here fields are inserted, renamed, replaced or taken out as lines of bytes; the body is never
touched.

Lines end with CRLF, LF or CR, in any mixture, because that is what ``normalise_newlines`` will make of them
before the mail leaves.  The header goes up to the first empty line, or to the end where there is none.  Lines
in it that are no fields are left where they are, and fields behind them are still seen: some readers stop at
such a line, others go on, and a forged field must be hidden from both.  Nothing here raises for what a mail
holds; ValueError means that a new field's name or value is not fit for a header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from mailproc.mime.field import encode_field

OLD = "X-Old-"  # in front of the name of a field that is not to be believed

_NEWLINE = re.compile(rb"\r\n|\r|\n")
_LAST_NEWLINE = re.compile(rb"(?:\r\n|\r|\n)\Z")
# Two line ends on end; "\r(?!\n)" keeps one CRLF from counting as two.
_EMPTY_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?=[\r\n])")
_LINE = re.compile(rb"[^\r\n]+(?:\r\n|\r|\n|\Z)")
_FIELD_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_AUTHSERV_ID = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"()]+))')


class Field(NamedTuple):
    """Where one field stands in the raw mail, its continuation lines and line end included."""

    name: str  # lower case
    start: int
    end: int


def has_bare_newline(raw: bytes) -> bool:
    """Is there a CR or an LF that is not part of CRLF (RFC 5321 section 2.3.8)?"""
    pairs = raw.count(b"\r\n")
    return raw.count(b"\n") != pairs or raw.count(b"\r") != pairs


def normalise_newlines(raw: bytes) -> bytes:
    """Every bare CR or LF made CRLF; the same object where there is none."""
    return _NEWLINE.sub(b"\r\n", raw) if has_bare_newline(raw) else raw


def header_end(raw: bytes) -> int:
    """The offset of the empty line after the header, or the length of a mail that has none."""
    if raw[:1] in (b"\r", b"\n"):
        return 0
    found = _EMPTY_LINE.search(raw)
    return len(raw) if found is None else found.end()


def fields(raw: bytes) -> Iterator[Field]:
    """The header's fields in order; lines that are no field, and what continues them, are left out."""
    open_field: Field | None = None
    for line in _LINE.finditer(raw, 0, header_end(raw)):
        if raw[line.start()] in b" \t":
            open_field = open_field and open_field._replace(end=line.end())
            continue
        if open_field is not None:
            yield open_field
        name = _FIELD_NAME.match(raw, line.start(), line.end())
        open_field = name and Field(name[1].decode("ascii").lower(), line.start(), line.end())
    if open_field is not None:
        yield open_field


def prepend(raw: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
    """Put new fields above all others, in the order given."""
    if not headers:
        return raw
    newline = _newline_of(raw)
    top = b"".join(_encode(name, value, newline) for name, value in headers)
    if raw[:1] in (b" ", b"\t"):
        # A first line that continues nothing would continue the last of our fields.
        top += OLD.encode() + b"Line:" + newline
    return top + raw


def remove(raw: bytes, name: str) -> bytes:
    """Take out every field of this name."""
    return _edit(raw, lambda field: b"" if field.name == name.lower() else None)


def replace(raw: bytes, name: str, value: str) -> bytes:
    """Write a new value in the place of the first field of this name; on top where there is none."""
    first = next((field for field in fields(raw) if field.name == name.lower()), None)
    if first is None:
        return prepend(raw, [(name, value)])
    # The same line end as before: with another one the empty line behind it could become a part of it.
    newline = _LAST_NEWLINE.search(raw, first.start, first.end)
    new = _encode(name, value, newline[0] if newline else _newline_of(raw))
    return raw[: first.start] + new + raw[first.end :]


def rename(raw: bytes, is_old: Callable[[str], bool]) -> bytes:
    """Put ``X-Old-`` in front of the names (asked for in lower case) for which ``is_old`` says so."""
    return _edit(raw, lambda field: _as_old(raw, field) if is_old(field.name) else None)


def rename_forged(raw: bytes, *authserv_ids: str) -> bytes:
    """Rename what only we may write: X-Mailproc-…, and Authentication-Results under one of our own names.

    RFC 8601 section 5 asks for the latter to be taken out; the old name keeps it readable for people.
    """

    own = {name.lower() for name in authserv_ids}

    def forged(field: Field) -> bytes | None:
        ours = field.name.startswith("x-mailproc-") or (
            field.name == "authentication-results" and _authserv_id(raw[field.start : field.end]) in own
        )
        return _as_old(raw, field) if ours else None

    return _edit(raw, forged)


def _edit(raw: bytes, change: Callable[[Field], bytes | None]) -> bytes:
    """Replace those fields for which ``change`` returns bytes."""
    edited = bytearray()
    kept = 0
    for field in fields(raw):
        new = change(field)
        if new is not None:
            _append(edited, raw[kept : field.start])
            _append(edited, new)
            kept = field.end
    if not kept:
        return raw
    _append(edited, raw[kept:])
    return bytes(edited)


def _append(edited: bytearray, piece: bytes) -> None:
    # Between lines that end with CR and an empty line of LF, both must stay line ends of their own.
    if edited.endswith(b"\r") and piece.startswith(b"\n"):
        edited += b"\n"
    edited += piece


def _as_old(raw: bytes, field: Field) -> bytes:
    return OLD.encode() + raw[field.start : field.end]


def _encode(name: str, value: str, newline: bytes) -> bytes:
    return encode_field(name, value).replace(b"\r\n", newline)


def _newline_of(raw: bytes) -> bytes:
    found = None if b"\r\n" in raw[: header_end(raw)] else _NEWLINE.search(raw)
    return b"\r\n" if found is None else found[0]


def _authserv_id(field: bytes) -> str:
    """The first word of an Authentication-Results field, in lower case (RFC 8601 section 2.2)."""
    value = field.partition(b":")[2].decode("utf-8", "replace")
    found = _AUTHSERV_ID.match(_without_comments(value))
    if found is None:
        return ""
    return (found[2] or re.sub(r"\\(.)", r"\1", found[1] or "")).lower()


def _without_comments(value: str) -> str:
    """A structured value without its comments, which may be nested (RFC 5322 section 3.2.2)."""
    kept = []
    depth = 0
    for piece in re.findall(r'\\.|"(?:[^"\\]|\\.)*"|[()]|[^\\()"]+|.', value, re.DOTALL):
        if piece == "(":
            depth += 1
        elif piece == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(piece)
    return "".join(kept)
