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

    def delivery_key(self, raw: bytes) -> bytes:
        """SHA-256 over sender, recipient and bytes: equal only when a peer repeats a delivery.

        Postfix repeats a delivery byte for byte when it did not see our 250.  Message-ID is the
        sender's to choose and must not decide.
        """
        digest = hashlib.sha256()
        for part in (str(self.mail_from or ""), self.rcpt_to.key):
            encoded = part.encode("utf-8", "surrogatepass")
            digest.update(len(encoded).to_bytes(4, "big"))
            digest.update(encoded)
        digest.update(raw)
        return digest.digest()
