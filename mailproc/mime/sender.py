"""Who probably was the envelope sender of a mail that comes without its envelope, as from a file."""

from __future__ import annotations

from mailproc.mime.reader import Mail
from mailproc.model.address import Address


def presumed_sender(mail: Mail) -> Address | None:
    """Return-Path where a final delivery wrote one (RFC 5321 section 4.4), else From; None: the null path."""
    if mail.has("return-path"):
        return Address.parse_or_none(mail.header("return-path").strip().strip("<>"))
    return mail.author.address if mail.author else None
