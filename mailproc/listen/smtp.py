"""Plain SMTP for mail servers without LMTP (RFC 5321): one reply to a mail, whatever its recipients.

A mail with a bare CR or LF is refused, as it is what SMTP smuggling is made of.
"""

# ruff: noqa: N802 - aiosmtpd finds the commands by these names

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from mailproc.listen.content import has_bare_newline
from mailproc.listen.session import Session
from mailproc.model.reply import BARE_NEWLINE, Reply


class SmtpSession(Session):
    """A session with a mail server that delivers by SMTP."""

    protocol_name: ClassVar[str] = "ESMTP"

    def _answers(self, outcome: Sequence[Reply]) -> Sequence[Reply]:
        """The worst outcome, a temporary one before all.

        The client tries again for all recipients then; those that have the mail already are
        recognized by the intake.
        """
        return [min(outcome, key=_urgency)]

    def _fault_of(self, raw: bytes) -> Reply | None:
        return BARE_NEWLINE if has_bare_newline(raw) else None

    async def smtp_HELO(self, arg: str | None) -> None:
        self._begin_session(arg or "")
        await self._send(f"250 {self.hostname}")

    async def smtp_EHLO(self, arg: str | None) -> None:
        await self._greet(arg or "")


def _urgency(reply: Reply) -> int:
    if reply.is_success:
        return 2
    return 1 if reply.is_permanent else 0
