"""An intake that keeps what it is given in memory, and answers as it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.model.address import Address
from mailproc.model.reply import ACCEPTED, NO_SUCH_DESK, RECIPIENT_OK, Reply


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail as the intake got it."""

    mail_from: Address | None
    recipients: tuple[str, ...]
    raw: bytes


class Keeper:
    """Knows every address but those of nobody.example; ``outcome`` is given, or raised, for each mail."""

    def __init__(self, outcome: Sequence[Reply] | BaseException | None = None) -> None:
        self.outcome = outcome
        self.taken: list[Taken] = []
        self.arrived = asyncio.Event()  # a mail has been handed over
        self.may_go_on = asyncio.Event()  # cleared: accept() waits
        self.may_go_on.set()
        self.recipient_error: Exception | None = None

    def recipient(self, address: Address) -> Reply:
        if self.recipient_error:
            raise self.recipient_error
        return NO_SUCH_DESK if address.domain == "nobody.example" else RECIPIENT_OK

    async def accept(
        self, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> list[Reply]:
        self.arrived.set()
        await self.may_go_on.wait()
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        self.taken.append(Taken(mail_from, tuple(map(str, recipients)), raw))
        return [ACCEPTED] * len(recipients) if self.outcome is None else list(self.outcome)
