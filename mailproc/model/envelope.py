"""What SMTP says of a mail, apart from what the mail says of itself (RFC 5321 section 2.3.1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mailproc.model.address import Address


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message for one recipient; ``mail_from`` is None for the null reverse-path."""

    mail_from: Address | None
    rcpt_to: Address

    def delivery_key(self, sha256: bytes) -> bytes:
        """A digest over sender, recipient and the mail's own SHA-256: equal only for a repeated delivery.

        Postfix repeats a delivery byte for byte when it did not see our 250.  Message-ID is the
        sender's to choose and must not decide.
        """
        digest = hashlib.sha256()
        for part in (str(self.mail_from or ""), self.rcpt_to.key):
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(4, "big"))
            digest.update(encoded)
        digest.update(sha256)
        return digest.digest()
