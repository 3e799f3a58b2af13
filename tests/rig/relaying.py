"""What the tests of the relay share: a mail, its envelope, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mailproc.model.outbox import Fate
from mailproc.outbox.relay import Relay
from tests.rig.scripted_relay import ScriptedRelay

MAIL = b"From: support@example.org\r\nSubject: x\r\n\r\nHello\r\n"
FROM = "support+bounce@example.org"
ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"

MakeScripted = Callable[..., Awaitable[ScriptedRelay]]
MakeRelay = Callable[..., Relay]


async def outcome(
    relay: Relay, *recipients: str, content: bytes = MAIL, mail_from: str = FROM
) -> dict[str, tuple[Fate, str]]:
    results = await relay.deliver(mail_from, recipients or (ANN,), content)
    return {address: (result.fate, str(result.reply)) for address, result in results.items()}
