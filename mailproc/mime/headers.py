"""The header block of a mail: found, bounded and split, without decoding what nobody asks for.

RFC 5322 section 2.2 for the fields, section 2.2.3 for unfolding, RFC 2047 for encoded words.  Nothing here
raises: what is broken is kept as it stands, and noted.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from mailproc.mime import charsets
from mailproc.mime.limits import Defects, Limits

# One field with its folded lines.  Possessive by construction: no two parts of it can match the same octet.
_FIELD = re.compile(rb"([!-9;-~]{1,998})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_LONGEST_NAME = 998
_OF_NAMES = bytes(octet for octet in range(0x21, 0x7F) if octet != ord(":")) + b"\n"
_BLANK_LINE = re.compile(rb"\n\r*\n")
_EMPTY_LINE = re.compile(rb"\r*\n")
_ENVELOPE_LINE = re.compile(rb">?From [^\n]*\n")  # what mbox puts above a mail
_FOLD = re.compile(r"[\r\n]+[ \t]*")

# "=?charset*language?encoding?text?="; the text may hold spaces and a few question marks, as broken senders
# leave them.  Their number is bounded so that words which never end cost linear time.
_ENCODED_WORD = re.compile(
    r"=\?([^?\s*]{1,40})(?:\*[A-Za-z0-9-]{0,40})?\?([BbQq])\?([^?]*(?:\?(?!=)[^?]*){0,4})\?="
)
# A name of one line: no controls (C0, C1, line and paragraph separators).
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
BIDI_CONTROLS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """The names of a mail's fields in order and in lower case; ``end`` is where the body begins."""

    names: tuple[str, ...]
    end: int
    _by_name: dict[str, list[bytes]] = field(repr=False, compare=False)  # raw values

    @classmethod
    def of(cls, names: Sequence[str], values: Iterable[bytes], end: int) -> HeaderBlock:
        by_name: dict[str, list[bytes]] = {}
        for name, value in zip(names, values, strict=True):
            if name in by_name:
                by_name[name].append(value)
            else:
                by_name[name] = [value]
        return cls(tuple(names), end, by_name)

    @property
    def distinct(self) -> AbstractSet[str]:
        return self._by_name.keys()

    def has(self, name: str) -> bool:
        return name in self._by_name

    def values(self, name: str) -> list[bytes]:
        return self._by_name.get(name, [])

    def first(self, name: str) -> bytes | None:
        values = self._by_name.get(name)
        return values[0] if values else None


def split_header_block(octets: bytes, start: int, end: int, limits: Limits, defects: Defects) -> HeaderBlock:
    """The header block of octets[start:end]; a mail without headers has an empty one."""
    position, stop = start, min(end, start + limits.header_block)
    if match := _ENVELOPE_LINE.match(octets, position, end):
        position = match.end()
    if block := _plain_block(octets, position, stop, limits.headers):
        return block
    fields: list[tuple[str, bytes]] = []
    while match := _FIELD.match(octets, position, stop):
        if len(fields) >= limits.headers:
            break
        name, value = match.groups()
        fields.append((name.decode("ascii").lower(), value))
        if match.end() == stop < end:  # this one is cut; where it really ends is for _body_start to find
            break
        position = match.end()
    body = _body_start(octets, position, end, fields=len(fields), limits=limits, defects=defects)
    return HeaderBlock.of([name for name, _ in fields], [value for _, value in fields], body)


def _plain_block(octets: bytes, start: int, stop: int, most: int) -> HeaderBlock | None:
    """The same, three times as fast, for a header that is as it should be; None for any other."""
    end, blank = octets.find(b"\r\n\r\n", start, stop), 4
    if end < 0:
        end, blank = octets.find(b"\n\n", start, stop), 2
    head = octets[start : max(end, start)]
    if not head or b"\0" in head:
        return None
    lines = head.replace(b"\n ", b"\0 ").replace(b"\n\t", b"\0\t").split(b"\n")  # NUL: the line goes on
    names, colons, values = zip(*[line.partition(b":") for line in lines], strict=True)
    joined = b"\n".join(names)
    if joined.translate(None, _OF_NAMES) or b"" in colons or b"" in names or len(lines) > most:
        return None
    if max(map(len, names)) > _LONGEST_NAME:
        return None
    whole = [value.replace(b"\0", b"\n") if b"\0" in value else value for value in values]
    return HeaderBlock.of(joined.decode("ascii").lower().split("\n"), whole, end + blank)


def _body_start(
    octets: bytes, position: int, end: int, *, fields: int, limits: Limits, defects: Defects
) -> int:
    if match := _EMPTY_LINE.match(octets, position, end):
        return match.end()
    if position >= end:
        return end
    if fields < limits.headers and not _FIELD.match(octets, position, end):
        defects.note("no blank line between headers and text" if fields else "no headers")
        return position
    defects.note("header block is too large: the rest of it was not read")
    blank = _BLANK_LINE.search(octets, max(position - 1, 0), end)
    return blank.end() if blank else end


def unfold(value: bytes, limits: Limits, defects: Defects) -> str:
    """A raw field value as one line of text, encoded words left as they are."""
    if len(value) > limits.header_value:
        value = _cut(value, limits, defects)
    return _one_line(value.decode("ascii") if value.isascii() else charsets.decode_undeclared(value, defects))


def unfold_plainly(value: bytes, limits: Limits, defects: Defects) -> str:
    """As ``unfold``, but no charset is guessed: UTF-8, else one character for each octet."""
    if len(value) > limits.header_value:
        value = _cut(value, limits, defects)
    try:
        return _one_line(value.decode("utf-8"))
    except UnicodeDecodeError:
        return _one_line(value.decode("latin-1"))


def _cut(value: bytes, limits: Limits, defects: Defects) -> bytes:
    defects.note("header is too long: cut")
    return value[: limits.header_value]


def _one_line(text: str) -> str:
    text = text.strip(" \t\r\n")
    return _FOLD.sub(" ", text) if "\n" in text or "\r" in text else text


def plain_line(text: str) -> str:
    """Text that is safe on one line: controls become a space, letters that turn the reading direction go."""
    if text.isascii() and text.isprintable():
        return text
    return BIDI_CONTROLS.sub("", _CONTROLS.sub(" ", text)).strip()


def decode_words(text: str, limits: Limits, defects: Defects) -> str:
    """Decode RFC 2047 encoded words wherever they stand, also where the RFC forbids them (senders do it)."""
    if "=?" not in text:
        return plain_line(text)
    pieces: list[str] = []
    position = 0
    words: list[re.Match[str]] = []
    for count, match in enumerate(_ENCODED_WORD.finditer(text)):
        if count >= limits.encoded_words:
            defects.note("too many encoded words: the rest was not decoded")
            break
        between = text[position : match.start()]
        if not words or between.strip():
            pieces.append(_decode_run(words, defects))
            pieces.append(between)
            words = []
        words.append(match)
        position = match.end()
    pieces.append(_decode_run(words, defects))
    pieces.append(text[position:])
    return plain_line("".join(pieces))


def _decode_run(words: list[re.Match[str]], defects: Defects) -> str:
    """Adjacent encoded words: joined before decoding where the charset is one, as letters may be cut."""
    text: list[str] = []
    charset, octets = "", b""
    for word in words:
        if word[1].lower() != charset:
            text.append(charsets.decode(octets, charset, defects))
            charset, octets = word[1].lower(), b""
        octets += _octets_of(word, defects)
    text.append(charsets.decode(octets, charset, defects))
    return "".join(text)


def _octets_of(word: re.Match[str], defects: Defects) -> bytes:
    text = word[3]
    encoded = text.encode("utf-8", "replace")
    if word[2] in "Qq":
        return binascii.a2b_qp(encoded, header=True)
    return decode_base64(encoded, defects)


_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def decode_base64(encoded: bytes, defects: Defects) -> bytes:
    """Octets of base64 (RFC 2045 section 6.8), read as leniently as can be."""
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:
        pass
    letters = _NO_BASE64.sub(b"", encoded)
    defects.note("broken base64")
    # One letter alone in the last group of four stands for nothing.
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    try:
        return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
    except binascii.Error:
        return b""
