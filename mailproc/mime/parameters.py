"""Content-Type and Content-Disposition with their parameters (RFC 2045 section 5.1, RFC 2231).

Continuations, charsets and percent escapes are read; so are encoded words in names, which RFC 2047 forbids
and most clients send.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from mailproc.mime import charsets
from mailproc.mime.headers import decode_words
from mailproc.mime.limits import Defects, Limits

_VALUE = re.compile(r"[\w!#$%&'*+.^`{|}~-]{1,127}/[\w!#$%&'*+.^`{|}~-]{1,127}", re.ASCII)
_WORD = re.compile(r"[\w-]{1,40}", re.ASCII)
_PARAMETER = re.compile(
    r';\s*([^\s=;"*]{1,60})(\*\d{1,4})?(\*)?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|"?([^;"]*))', re.DOTALL
)
_QUOTED_PAIR = re.compile(r"\\([\"\\])")


@dataclass(frozen=True, slots=True)
class Field:
    """A value in lower case and its parameters by lower-case name, decoded."""

    value: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Piece:
    section: int  # of an RFC 2231 continuation, -1 for a parameter that stands whole
    escaped: bool
    text: str


def read_content_type(text: str, limits: Limits, defects: Defects) -> Field:
    """The root is "type/subtype"; text/plain where it cannot be read (RFC 2045 section 5.2)."""
    match = _VALUE.match(text.strip())
    if match is None:
        if text:
            defects.note("unreadable Content-Type")
        value = {"text": "text/plain", "html": "text/html"}.get(text.strip().lower(), "text/plain")
        return Field(value, _parameters(text, limits, defects))
    return Field(match[0].lower(), _parameters(text, limits, defects))


def read_disposition(text: str, limits: Limits, defects: Defects) -> Field:
    """The value is "inline", "attachment" or what else stands there, "" for nothing."""
    match = _WORD.match(text.strip())
    return Field(match[0].lower() if match else "", _parameters(text, limits, defects))


def _parameters(text: str, limits: Limits, defects: Defects) -> dict[str, str]:
    values: dict[str, str] = {}
    extended: dict[str, list[_Piece]] = {}  # RFC 2231
    position = text.find(";")
    count = 0
    while position >= 0:
        match = _PARAMETER.match(text, position)
        if match is None:
            position = text.find(";", position + 1)
            continue
        if count >= limits.parameters:
            defects.note("too many parameters: the rest was not read")
            break
        count += 1
        name, section, escaped, quoted, plain = match.groups()
        value = _QUOTED_PAIR.sub(r"\1", quoted) if quoted is not None else plain.strip()
        values.setdefault(name.lower(), value)
        if section or escaped:
            piece = _Piece(int(section[1:]) if section else -1, bool(escaped), value)
            extended.setdefault(name.lower(), []).append(piece)
        position = text.find(";", match.end())
    return {
        name: _joined(extended[name], limits, defects)
        if name in extended
        else decode_words(value, limits, defects)
        for name, value in values.items()
    }


def _joined(pieces: list[_Piece], limits: Limits, defects: Defects) -> str:
    """They win over the plain parameter that is sent beside them for old readers."""
    extended = [piece for piece in pieces if piece.section >= 0] or pieces[:1]
    extended.sort(key=lambda piece: piece.section)
    charset, octets = "", b""
    for number, piece in enumerate(extended):
        text = piece.text
        if number == 0 and piece.escaped and text.count("'") >= 2:
            charset, _language, text = text.split("'", 2)
        octets += unquote_to_bytes(text) if piece.escaped else text.encode("utf-8", "replace")
    return decode_words(charsets.decode(octets, charset, defects), limits, defects)
