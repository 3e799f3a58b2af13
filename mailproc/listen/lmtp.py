"""LMTP: one reply to a mail for each of its accepted recipients (RFC 2033 section 4.2).

Octets are taken as they come, bare CR, LF and NUL included: what Postfix queued is what is kept.
"""

# ruff: noqa: N802 - aiosmtpd finds the commands by these names

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from mailproc.listen import replies
from mailproc.listen.session import Session
from mailproc.model.reply import MailError, Reply


class LmtpSession(Session):
    """A session with a mail server that delivers by LMTP."""

    protocol_name: ClassVar[str] = "LMTP"

    def _answers(self, outcome: Sequence[Reply]) -> Sequence[Reply]:
        return outcome

    async def smtp_LHLO(self, arg: str | None) -> None:
        await self._greet(arg or "")

    async def smtp_HELO(self, arg: str | None) -> None:
        raise MailError(replies.UNKNOWN_COMMAND)  # RFC 2033 section 4.1

    async def smtp_EHLO(self, arg: str | None) -> None:
        raise MailError(replies.UNKNOWN_COMMAND)
