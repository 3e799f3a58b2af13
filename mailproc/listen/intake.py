"""What the listeners hand mail to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mailproc.model.address import Address
from mailproc.model.reply import Reply


class Intake(Protocol):
    """Takes mail over.  Anything it raises is answered 451, or with the reply of a MailError."""

    def recipient(self, address: Address) -> Reply:
        """The reply to RCPT: RECIPIENT_OK, or why this address gets no mail here."""
        ...

    async def accept(
        self, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> list[Reply]:
        """Make a mail durable: one reply for each recipient, in their order, duplicates included.

        ``mail_from`` is None for the null reverse-path; ``raw`` is the mail as sent, dots unstuffed.
        It is never cancelled because a client leaves.
        """
        ...
