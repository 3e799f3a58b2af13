"""Outlook's winmail.dat (application/ms-tnef, MS-OXTNEF): the text and the files inside.

Read here and not by a library: the format is full of counts that a hostile sender chooses, and every one of
them is bounded by the octets that are really there.  Compressed RTF is not read.  Nothing raises.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from mailproc.mime import charsets
from mailproc.mime.limits import Defects, Limits

TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SIGNATURE = b"\x78\x9f\x3e\x22"
_MOST_ATTRIBUTES = 5000
_MOST_PROPERTIES = 5000
_MOST_VALUES = 1000  # of one property

# Attributes (MS-OXTNEF section 2.1.3.2).
_BODY = 0x800C
_ATTACHMENT_TITLE = 0x8010
_ATTACHMENT_CONTENT = 0x800F
_ATTACHMENT_BEGINS = 0x9002
_MESSAGE_PROPERTIES = 0x9003
_ATTACHMENT_PROPERTIES = 0x9005
_CODE_PAGE = 0x9007

# Properties (MS-OXPROPS).
_PLAIN_BODY = 0x1000
_HTML_BODY = 0x1013
_INTERNET_CODE_PAGE = 0x3FDE
_DISPLAY_NAME = 0x3001
_CONTENT = 0x3701
_SHORT_NAME = 0x3704
_LONG_NAME = 0x3707

# Sizes of property values; those of 0 carry their own length (MS-OXCDATA section 2.11.1).
_SIZES = {0x01: 4, 0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8,
          0x48: 16, 0x0D: 0, 0x1E: 0, 0x1F: 0, 0x102: 0}  # fmt: skip
_LONG = 0x03
_UNICODE = 0x1F
_OBJECT = 0x0D
_GUID_OF_OBJECT = 16
_MANY = 0x1000
_NAMED = 0x8000


@dataclass(frozen=True, slots=True)
class Tnef:
    """``text`` and ``html`` are "" where there is none; files are (name, content)."""

    text: str = ""
    html: str = ""
    files: tuple[tuple[str, bytes], ...] = ()


def is_tnef(content_type: str, name: str) -> bool:
    return content_type in TYPES or name.lower() == "winmail.dat"


def read_tnef(content: bytes, limits: Limits, defects: Defects) -> Tnef:
    """What a TNEF holds; an empty one where it cannot be read."""
    if not content.startswith(_SIGNATURE):
        defects.note("TNEF without its signature")
        return Tnef()
    if len(content) > limits.tnef:
        defects.note("TNEF is too large: not read")
        return Tnef()
    reading = _Reading(defects)
    try:
        for name, value in _attributes(content):
            reading.take(name, value)
    except (struct.error, ValueError):
        defects.note("TNEF is broken: only its beginning was read")
    files = tuple((file.name, file.content) for file in reading.files if file.content or file.name)
    return Tnef(reading.text, reading.html, files[: limits.parts])


@dataclass(slots=True)
class _File:
    name: str = ""
    content: bytes = b""


@dataclass(slots=True)
class _Reading:
    """Collects what the attributes say, in their order."""

    defects: Defects
    charset: str = "windows-1252"
    text: str = ""
    html: str = ""
    files: list[_File] = field(default_factory=list)

    def take(self, name: int, value: bytes) -> None:
        if name == _CODE_PAGE:
            self._set_code_page(value)
        elif name == _BODY:
            self.text = self._decode(value)
        elif name == _MESSAGE_PROPERTIES:
            self._take_message(value)
        elif name == _ATTACHMENT_BEGINS:
            self.files.append(_File())
        elif self.files:
            self._take_file(self.files[-1], name, value)

    def _take_message(self, value: bytes) -> None:
        properties = list(_properties(value))
        for name, kind, content in properties:
            if name == _INTERNET_CODE_PAGE and kind == _LONG:
                self._set_code_page(content)
        for name, kind, content in properties:
            if name == _PLAIN_BODY:
                self.text = self._string(kind, content)
            elif name == _HTML_BODY:
                self.html = self._string(kind, content)

    def _take_file(self, file: _File, name: int, value: bytes) -> None:
        if name == _ATTACHMENT_TITLE:
            file.name = file.name or self._decode(value)
        elif name == _ATTACHMENT_CONTENT:
            file.content = value
        elif name == _ATTACHMENT_PROPERTIES:
            for of, kind, content in _properties(value):
                if of == _LONG_NAME or (of in (_SHORT_NAME, _DISPLAY_NAME) and not file.name):
                    file.name = self._string(kind, content)
                elif of == _CONTENT:
                    file.content = content[_GUID_OF_OBJECT:] if kind == _OBJECT else content

    def _set_code_page(self, value: bytes) -> None:
        page = struct.unpack_from("<I", value)[0]
        self.charset = {65001: "utf-8", 20127: "us-ascii", 28591: "iso-8859-1"}.get(page, f"windows-{page}")

    def _string(self, kind: int, content: bytes) -> str:
        return self._decode(content, "utf-16-le" if kind == _UNICODE else self.charset)

    def _decode(self, octets: bytes, charset: str = "") -> str:
        return charsets.decode(octets, charset or self.charset, self.defects).strip("\0")


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(name, value) of each attribute: level, name, type, length, value, checksum."""
    position = 6
    for _ in range(_MOST_ATTRIBUTES):
        if position + 9 > len(content):
            return
        name, _kind, length = struct.unpack_from("<HHI", content, position + 1)
        start, end = position + 9, position + 9 + length
        if end > len(content):
            raise ValueError("attribute is cut")
        yield name, content[start:end]
        position = end + 2


def _properties(value: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(name, type, first value) of each MAPI property."""
    count = min(struct.unpack_from("<I", value)[0], _MOST_PROPERTIES)
    position = 4
    for _ in range(count):
        kind, name = struct.unpack_from("<HH", value, position)
        position = _after_name(value, position + 4) if name >= _NAMED else position + 4
        size = _SIZES.get(kind & ~_MANY)
        if size is None:
            raise ValueError("unknown type of property")
        values = 1
        if size == 0 or kind & _MANY:
            values = struct.unpack_from("<I", value, position)[0]
            position += 4
        first, position = _values(value, position, values=values, size=size)
        yield name, kind & ~_MANY, first


def _after_name(value: bytes, position: int) -> int:
    """Where a named property goes on: after its GUID and its number or name."""
    by_name = struct.unpack_from("<I", value, position + 16)[0]
    number_or_length = struct.unpack_from("<I", value, position + 20)[0]
    return position + 24 + (_padded(number_or_length) if by_name else 0)


def _values(value: bytes, position: int, *, values: int, size: int) -> tuple[bytes, int]:
    """The first of several values, and where the last one ends."""
    if values > _MOST_VALUES:
        raise ValueError("too many values")
    first = b""
    for number in range(values):
        length = size
        if not size:
            length = struct.unpack_from("<I", value, position)[0]
            position += 4
        if position + length > len(value):
            raise ValueError("value is cut")
        if number == 0:
            first = value[position : position + length]
        position += _padded(length)
    return first, position


def _padded(length: int) -> int:
    return (length + 3) & ~3
