"""What AUTH carries: base64 (RFC 4954 section 4), PLAIN (RFC 4616), and LOGIN, which no RFC describes.

Everything raises MailError with the reply to give.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

from mailproc.listen.replies import BAD_BASE64, BAD_SASL
from mailproc.model.reply import MailError

MECHANISMS = ("PLAIN", "LOGIN")
USER_CHALLENGE, PASSWORD_CHALLENGE = b"Username:", b"Password:"

_EMPTY = "="  # an initial response of no octets


def challenge_line(challenge: bytes) -> str:
    """The line to send; the space after 334 stands there even where nothing follows."""
    return f"334 {b64encode(challenge).decode()}"


def decode_response(line: bytes) -> bytes:
    """A client's line as octets."""
    try:
        return b64decode(line.strip(), validate=True)
    except binascii.Error:
        raise MailError(BAD_BASE64) from None


def decode_initial(argument: str) -> bytes:
    """What stands behind the mechanism's name."""
    return b"" if argument == _EMPTY else decode_response(argument.encode("utf-8", "surrogateescape"))


def read_plain(response: bytes) -> tuple[str, bytes]:
    """User and password; the user is "" where the client wants to act for somebody else."""
    fields = response.split(b"\0")
    if len(fields) != 3:
        raise MailError(BAD_SASL)
    acts_for, user, password = fields
    if acts_for and acts_for.lower() != user.lower():
        return "", password
    return read_user(user), password


def read_user(octets: bytes) -> str:
    """A user's name as text; what is no UTF-8 becomes a name that nobody has."""
    return octets.decode("utf-8", "replace")
