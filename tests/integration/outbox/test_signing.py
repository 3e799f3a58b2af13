"""What leaves is signed when it leaves, and only then."""

from __future__ import annotations

import pytest

from mailproc.model.outbox import OutboxKind, OutboxState
from mailproc.model.signing_key import Algorithm, SigningKey
from mailproc.outbox.sign import DomainKey, Signer
from tests.rig.outbox_office import NOW, MakeOffice
from tests.rig.scripted_relay import KEEP_AND_DROP


async def test_each_try_is_signed_when_it_leaves_and_differs_in_nothing_else(office: MakeOffice) -> None:
    here = await office({".": [KEEP_AND_DROP]})
    key = SigningKey.generate(Algorithm.ED25519)
    here.signer = Signer({"example.org": [DomainKey("s", key)]}, clock=lambda: here.now)
    top = b"From: support@example.org\r\nMessage-ID: <1@example.org>\r\n\r\n"
    mail = top + b"Viele herzliche Gr\xc3\xbc\xc3\x9fe\r\n"
    await here.add("reply:1", content=mail)
    here.start()
    await here.until(lambda item: item.attempts == 1)
    here.now = NOW + 60
    first, second = await here.peer.until(2)
    signatures, rests = zip(*(taken.wire.partition(b"From: ")[::2] for taken in (first, second)), strict=True)
    assert [b"t=%d;" % NOW in signatures[0], b"t=%d;" % (NOW + 60) in signatures[1]] == [True, True]
    assert rests[0] == rests[1]
    assert b"Viele herzliche Gr=C3=BC=C3=9Fe" in rests[0]
    assert (await here.item()).content == mail


async def test_mail_that_cannot_be_made_ready_waits(
    office: MakeOffice, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Signer):
        async def sign(self, content: bytes) -> bytes:
            raise RuntimeError("no thread")

    here = await office()
    here.signer = Broken({}, clock=lambda: here.now)
    await here.add("ack:1", kind=OutboxKind.ACKNOWLEDGEMENT)
    here.start()
    item = await here.until(lambda item: item.attempts == 1)
    assert (item.state, item.due) == (OutboxState.WAITING, NOW + 60)
    assert "could not be made ready" in caplog.text
