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

from mailproc.mime.field import check_text, encode_field, mailbox_header
from mailproc.mime.surgery import normalise_newlines

__all__ = ["check_text", "compose", "encode_field", "mailbox_header"]

_PLAIN = re.compile(rb"(?:(?!From )[\t -~]{0,78}\n)*")  # lines that need no encoding
_OURS = "mime-version"
_BASE64 = 76  # octets of a line (RFC 2045 section 6.8)


def compose(headers: Sequence[tuple[str, str]], text: str, attached: bytes | None = None) -> bytes:
    """A mail with these header fields, in this order, and this text, as the bytes that SMTP carries.

    ``attached`` is the raw bytes of a mail to go with it as message/rfc822; its bare CR and LF become CRLF,
    nothing else of it is changed.  MIME-Version and Content-… may not be among the headers.
    """
    top = b"".join(_checked_field(name, value) for name, value in headers)
    top += encode_field("MIME-Version", "1.0")
    part = _text_part(text)
    return top + (part if attached is None else _mixed(part, normalise_newlines(attached)))


def compose_with_file(
    headers: Sequence[tuple[str, str]], text: str, name: str, content_type: str, content: bytes
) -> bytes:
    """The same with a file; ``name`` is plain ASCII, ``content_type`` has its parameters."""
    encoded = binascii.b2a_base64(content, newline=False)
    lines = b"\r\n".join(encoded[at : at + _BASE64] for at in range(0, len(encoded), _BASE64))
    part = _text_part(text)
    file = (
        encode_field("Content-Disposition", f'attachment; filename="{name}"')
        + _content_fields(content_type, "base64")
        + lines
    )
    top = b"".join(_checked_field(name, value) for name, value in headers)
    return top + encode_field("MIME-Version", "1.0") + _parts(part, file)


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


def _mixed(part: bytes, mail: bytes) -> bytes:
    # A mail may only be 7bit or 8bit, never encoded (RFC 2046 section 5.2.1).
    encoding = "7bit" if mail.isascii() else "8bit"
    return _parts(part, _content_fields("message/rfc822", encoding) + mail)


def _parts(*parts: bytes) -> bytes:
    """A multipart/mixed entity of these."""
    # A digest of the content cannot stand in the content, so this line is surely not in it.
    boundary = "=_" + hashlib.sha256(b"".join(parts)).hexdigest()[:40]
    line = f"--{boundary}".encode()
    top = _content_fields(f'multipart/mixed; boundary="{boundary}"', "7bit" if _is_ascii(parts) else "8bit")
    return b"\r\n".join((top + line, *(each for part in parts for each in (part, line)))) + b"--\r\n"


def _is_ascii(parts: Sequence[bytes]) -> bool:
    return all(part.isascii() for part in parts)
