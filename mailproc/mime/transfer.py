"""Content-Transfer-Encodings (RFC 2045 section 6), and uuencode as it stands in old mail.  Nothing raises."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from mailproc.mime.headers import decode_base64
from mailproc.mime.limits import Defects

UNENCODED = frozenset({"", "7bit", "8bit", "binary"})

_AS_IT_IS = UNENCODED | {"7-bit", "8-bit", "none"}
_UU_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?\n", re.MULTILINE)
_UU_LINE = re.compile(rb"[ -`]{1,90}\r?\n?")
_UU_END = re.compile(rb"(?:`?[ \t]*\r?\n)?end[ \t]*(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class UuFile:
    """A file that stands uuencoded in a text, and where."""

    name: str
    content: bytes
    start: int
    end: int


def decode(octets: bytes, encoding: str, defects: Defects) -> bytes:
    """What octets stand for under a Content-Transfer-Encoding (lower case); unknown ones change nothing."""
    if encoding == "base64":
        return decode_base64(octets, defects)
    if encoding in {"quoted-printable", "quotedprintable"}:
        return binascii.a2b_qp(octets)
    if encoding in {"x-uuencode", "uuencode", "uue", "x-uue"}:
        files = uu_files(octets)
        return files[0].content if files else octets
    if encoding not in _AS_IT_IS:
        defects.note(f"unknown transfer encoding {encoding[:40]!r}")
    return octets


def uu_files(octets: bytes) -> list[UuFile]:
    """Whole uuencoded files in a text; what has no end or no line is text like any other."""
    files: list[UuFile] = []
    position = 0
    while match := _UU_BEGIN.search(octets, position):
        position = match.end()
        content, stop = _uu_content(octets, position)
        if stop:
            name = match[1].decode("utf-8", "replace").strip()
            files.append(UuFile(name, content, match.start(), stop))
            position = stop
    return files


def _uu_content(octets: bytes, position: int) -> tuple[bytes, int]:
    content = bytearray()
    while not (end := _UU_END.match(octets, position)):
        line = _UU_LINE.match(octets, position)
        if line is None:
            return b"", 0
        try:
            content += binascii.a2b_uu(line[0].rstrip(b"\r\n"))
        except binascii.Error:
            return b"", 0
        position = line.end()
    return bytes(content), end.end()
