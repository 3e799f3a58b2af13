"""Who says to be whom, and what a stored password looks like."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass, field

_ARGON2 = re.compile(r"\$argon2(?:id|i|d)\$v=\d+\$m=\d+,t=\d+,p=\d+\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")
_SHORTEST_SALT, _SHORTEST_HASH = 8, 16  # octets


@dataclass(frozen=True, slots=True)
class Login:
    """One attempt: the user as typed, the password's octets, and the IP address, "" for a Unix socket."""

    user: str
    password: bytes = field(repr=False)
    address: str = ""


def is_password_hash(text: str) -> bool:
    """Argon2 in its own notation (RFC 9106), as ``mailproc agent hash`` prints it."""
    found = _ARGON2.fullmatch(text)
    return found is not None and _octets(found[1]) >= _SHORTEST_SALT and _octets(found[2]) >= _SHORTEST_HASH


def _octets(unpadded: str) -> int:
    try:
        return len(b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True))
    except binascii.Error:
        return 0
