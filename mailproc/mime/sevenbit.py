"""Making a mail fit for 7-bit transport before it is signed (RFC 6376 section 5.3).

A relay that meets a peer without 8BITMIME converts 8-bit parts itself, and one that meets a line over 998
octets breaks it; either ends a signature.  So what must be encoded is encoded first: every part whose content
is 8-bit, holds NUL or has such a line gets quoted-printable or base64 (RFC 2045 section 6), whichever reads
better, and says so in its header.  What it decodes to stays the same octet for octet, and no other octet of
the mail is touched.

Left as they are: everything within multipart/signed and multipart/encrypted, whose signature covers these
octets (RFC 1847 section 2.1); embedded messages, which may not be encoded (RFC 2046 section 5.2.1); headers;
encodings that are not of MIME; parts beyond the reader's limits.  Nothing raises.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from mailproc.mime.parts import Part
from mailproc.mime.reader import read
from mailproc.mime.surgery import has_bare_newline, header_end, prepend, remove, replace
from mailproc.mime.transfer import UNENCODED

_LONGEST_LINE = 1000  # octets with CRLF (RFC 5322 section 2.1.1)
_LONG_LINE = re.compile(rb"\n[^\n]{%d}" % _LONGEST_LINE)  # begins at a line end: else its time is not linear
_ENCODING = "Content-Transfer-Encoding"
_ENCODING_FIELD = re.compile(rb"^content-transfer-encoding[ \t]*:", re.IGNORECASE | re.MULTILINE)
_ASCII = bytes(range(128))
_ENCODED = frozenset({"quoted-printable", "base64"})
_SEALED = frozenset({"multipart/signed", "multipart/encrypted"})
_BASE64_LINE = 57  # octets that make 76 letters (RFC 2045 section 6.8)
_MANY = 4  # base64 where at least one octet in so many is 8-bit

_Change = tuple[int, int, bytes]  # from, to, what comes there


def is_seven_bit(content: bytes) -> bool:
    """May these octets travel as 7bit (RFC 2045 section 2.7)?  Line ends are CRLF."""
    return content.isascii() and b"\0" not in content and not has_long_line(content)


def has_long_line(content: bytes) -> bool:
    """Has a line more than 998 octets before its CRLF?"""
    first_is_long = len(content) >= _LONGEST_LINE and b"\n" not in content[:_LONGEST_LINE]
    return first_is_long or _LONG_LINE.search(content) is not None


def seven_bit(raw: bytes) -> bytes:
    """The mail with every part encoded that must and may be; the same object where there is none.

    ``raw`` has CRLF line ends.
    """
    if is_seven_bit(raw):
        return raw
    changes = list(_changes(read(raw).parts))
    return _apply(raw, changes) if changes else raw


def _changes(parts: tuple[Part, ...]) -> Iterator[_Change]:
    """What to write where, in the order of the mail and without overlap."""
    unfit = [part for part in parts if not part.is_multipart and not is_seven_bit(part.source)]
    encoded = {part for part in unfit if _may_change(part)}
    stays_8bit = {above for part in unfit if part not in encoded for above in _above(part)}
    for part in parts:
        if part in encoded:
            yield part.top, part.end, _encoded(part)
        elif part.is_multipart and part not in stays_8bit and _is_relabelled(part):
            yield part.top, part.start, replace(_header(part), _ENCODING, "7bit")


def _may_change(part: Part) -> bool:
    can_be_encoded = part.encoding in UNENCODED | _ENCODED and not part.type.startswith("message/")
    return can_be_encoded and not _is_sealed(part)


def _is_relabelled(part: Part) -> bool:
    """A multipart of what is 7-bit now may not go on to say 8bit (RFC 2045 section 6.4)."""
    return part.encoding in {"8bit", "binary"} and not _is_sealed(part)


def _is_sealed(part: Part) -> bool:
    return part.type in _SEALED or any(above.type in _SEALED for above in _above(part))


def _above(part: Part) -> Iterator[Part]:
    while part.parent is not None:
        part = part.parent
        yield part


def _header(part: Part) -> bytes:
    return part.raw[part.top : part.start]


def _encoded(part: Part) -> bytes:
    """The whole part, its header changed and its content encoded."""
    content = part.content
    eight_bit = len(content.translate(None, _ASCII))
    is_text = part.type.startswith("text/") and b"\0" not in content and not has_bare_newline(content)
    if is_text and eight_bit * _MANY < len(content):
        encoding, body = "quoted-printable", quoted_printable(content)
    else:
        encoding, body = "base64", base64_lines(content, ends=part.source.endswith(b"\r\n"))
    return _labelled(part, encoding) + body


def _labelled(part: Part, encoding: str) -> bytes:
    """The part's header with the new encoding; one that MIME would not look at is made MIME."""
    header = _header(part)
    end = header_end(header)
    fields, rest = header[:end], header[end:] or b"\r\n"
    fields = replace(_with_one_encoding(fields), _ENCODING, encoding)
    if part.depth == 0 and not part.raw_header("mime-version"):
        fields = prepend(fields, [("MIME-Version", "1.0")])
    return fields + rest


def _with_one_encoding(fields: bytes) -> bytes:
    """Where there are several, readers differ in which they believe."""
    several = len(_ENCODING_FIELD.findall(fields)) > 1
    return remove(fields, _ENCODING) if several else fields


def quoted_printable(content: bytes) -> bytes:
    """Text with CRLF line ends as RFC 2045 section 6.7 encodes it; no line begins with "From "."""
    lines = (binascii.b2a_qp(line, istext=False) for line in content.split(b"\r\n"))
    encoded = b"\n".join(lines).replace(b"\n", b"\r\n")
    return re.sub(rb"(?m)^From ", b"=46rom ", encoded)


def base64_lines(content: bytes, *, ends: bool) -> bytes:
    """Any octets as RFC 2045 section 6.8 encodes them; ``ends``: the last line has a line end too."""
    pieces = range(0, len(content), _BASE64_LINE)
    lines = [binascii.b2a_base64(content[at : at + _BASE64_LINE], newline=False) for at in pieces]
    return b"\r\n".join(lines) + (b"\r\n" if ends else b"")


def _apply(raw: bytes, changes: list[_Change]) -> bytes:
    pieces: list[bytes] = []
    kept = 0
    for start, end, new in changes:
        pieces += raw[kept:start], new
        kept = end
    return b"".join([*pieces, raw[kept:]])
