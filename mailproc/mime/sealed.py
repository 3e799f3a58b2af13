"""Mail that its author signed or encrypted: below its header not one byte may be changed.

S/MIME (RFC 8551 section 3), PGP/MIME (RFC 3156), what RFC 1847 allows beside them, and inline PGP
(RFC 9580 section 6.2), as it stands in a text.  An embedded message/rfc822 is somebody else's mail and seals
nothing.  Never raises.
"""

from __future__ import annotations

import re

from mailproc.mime.quotes import own_lines
from mailproc.mime.reader import Mail

_BY_SMIME = "signed or encrypted by S/MIME"
_BY_PGP = "signed or encrypted by PGP"
_TYPES = {
    "multipart/signed": "signed",
    "multipart/encrypted": "encrypted",
    "application/pkcs7-mime": _BY_SMIME,
    "application/x-pkcs7-mime": _BY_SMIME,
    "application/pgp-encrypted": "encrypted",
}
_ARMOUR = re.compile(r"^-----BEGIN PGP (SIGNED )?MESSAGE-----[ \t]*$", re.MULTILINE)
_CLEAR_TEXT = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Za-z-]{1,40}:[^\n]*\n)*[ \t]*\n", re.MULTILINE
)


def seal_of(mail: Mail) -> str:
    """How the mail is sealed, for people: "signed", "signed or encrypted by PGP" …; "" for an open mail."""
    for part in mail.parts:
        if part.type in _TYPES:
            return _TYPES[part.type]
    return _BY_PGP if _ARMOUR.search(mail.text) and _is_own(mail.text) else ""


def _is_own(text: str) -> bool:
    """Does the armour stand in what the author wrote, and not only in a quote?"""
    return any(_ARMOUR.match(line) for _, line in own_lines(text.split("\n")))


def sealed_text(mail: Mail) -> str:
    """The text of a sealed mail as far as it can be read, without the first lines of inline PGP."""
    return _CLEAR_TEXT.sub("", mail.text, count=1)
