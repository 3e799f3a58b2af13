"""Small mails of our own: acknowledgements, notices, rejections.

What comes out is 7-bit clean unless an attached mail is not, has CRLF line ends and no line over 998 octets
but an attached mail's own, and holds exactly the fields that were given and the three that MIME needs
(RFC 2045 sections 3 to 6).  ValueError for a header that is not fit to be sent; see ``mailproc.mime.field``.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.mime.field import check_text, encode_field, mailbox_header
from mailproc.mime.surgery import normalise_newlines

__all__ = ["File", "check_text", "compose", "encode_field", "mailbox_header"]

_PLAIN = re.compile(rb"(?:(?!From )[\t -~]{0,78}\n)*")  # lines that need no encoding
_OURS = "mime-version"
_BASE64 = 76  # octets of a line (RFC 2045 section 6.8)


@dataclass(frozen=True, slots=True)
class File:
    """A file to go with a mail; ``name`` is plain ASCII, ``type`` has its parameters."""

    name: str
    type: str
    content: bytes


def compose(headers: Sequence[tuple[str, str]], text: str, attached: bytes | File | None = None) -> bytes:
    """A mail with these header fields, in this order, and this text, as the bytes that SMTP carries.

    ``attached`` is a file, or the raw bytes of a mail to go with it as message/rfc822; its bare CR and LF
    become CRLF, nothing else of it is changed.  MIME-Version and Content-… may not be among the headers.
    """
    top = b"".join(_checked_field(name, value) for name, value in headers)
    top += encode_field("MIME-Version", "1.0")
    part = _text_part(text)
    if attached is None:
        return top + part
    return top + _parts(part, _file_part(attached) if isinstance(attached, File) else _mail_part(attached))


def _checked_field(name: str, value: str) -> bytes:
    lower = name.lower()
    if lower == _OURS or lower.startswith("content-"):
        raise ValueError(f"{name} is not for the caller to set")
    return encode_field(name, value)


def _text_part(text: str) -> bytes:
    """A text/plain entity: its Content fields, an empty line, the text."""
    content = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    if not content.endswith(b"\n"):
        content += b"\n"
    if _PLAIN.fullmatch(content):
        charset, encoding = "us-ascii", "7bit"
    else:
        charset, encoding = "utf-8", "quoted-printable"
        content = _quoted_printable(content)
    return _content_fields(f'text/plain; charset="{charset}"', encoding) + content.replace(b"\n", b"\r\n")


def _quoted_printable(content: bytes) -> bytes:
    """RFC 2045 section 6.7; "From " is hidden from those who would write ">From "."""
    encoded = b"\n".join(binascii.b2a_qp(line, istext=False) for line in content.split(b"\n"))
    return re.sub(rb"(?m)^From ", b"=46rom ", encoded)


def _content_fields(content_type: str, encoding: str) -> bytes:
    fields = encode_field("Content-Type", content_type)
    return fields + encode_field("Content-Transfer-Encoding", encoding) + b"\r\n"


def _mail_part(raw: bytes) -> bytes:
    mail = normalise_newlines(raw)
    # A mail may only be 7bit or 8bit, never encoded (RFC 2046 section 5.2.1).
    return _content_fields("message/rfc822", "7bit" if mail.isascii() else "8bit") + mail


def _file_part(file: File) -> bytes:
    encoded = binascii.b2a_base64(file.content, newline=False)
    lines = b"\r\n".join(encoded[at : at + _BASE64] for at in range(0, len(encoded), _BASE64))
    disposition = encode_field("Content-Disposition", f'attachment; filename="{file.name}"')
    return disposition + _content_fields(file.type, "base64") + lines


def _parts(*parts: bytes) -> bytes:
    """A multipart/mixed entity of these."""
    # A digest of the content cannot stand in the content, so this line is surely not in it.
    boundary = "=_" + hashlib.sha256(b"".join(parts)).hexdigest()[:40]
    line = f"--{boundary}".encode()
    top = _content_fields(f'multipart/mixed; boundary="{boundary}"', "7bit" if _is_ascii(parts) else "8bit")
    return b"\r\n".join((top + line, *(each for part in parts for each in (part, line)))) + b"--\r\n"


def _is_ascii(parts: Sequence[bytes]) -> bool:
    return all(part.isascii() for part in parts)
