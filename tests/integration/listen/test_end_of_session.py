"""Time-outs and shutdown: nobody who waits for replies is left without them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mailproc.listen.limits import ListenLimits
from tests.rig.keeper import Keeper
from tests.rig.raw_client import Served, stuffed

Serve = Callable[..., Awaitable[Served]]
MAIL = b"Subject: hello\r\n\r\nworld\r\n"
CLOSING = b"421 4.3.2 Shutting down, try again later\r\n"


async def test_idle_client_is_told_421(serve: Serve) -> None:
    served = await serve(Keeper(), ListenLimits(idle=0.05))
    async with served.connect() as client:
        heard = await client.rest()

    assert heard == b"220 mail.example LMTP mailproc\r\n421 4.4.2 Connection timed out\r\n"


async def test_idle_session_is_told_421_at_shutdown(serve: Serve) -> None:
    served = await serve(Keeper())
    async with served.connect() as client, served.connect() as in_transaction:
        await client.greet()
        await in_transaction.greet()
        await in_transaction.say("MAIL FROM:<>", "RCPT TO:<a@example.org>")
        await served.listener.stop(5.0)

        assert await client.rest() == CLOSING
        assert await in_transaction.rest() == CLOSING
        with pytest.raises(ConnectionRefusedError):
            async with served.connect():
                raise AssertionError("still listening")


async def test_mail_on_its_way_is_taken_at_shutdown(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper)
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org", "b@example.org")
        stopping = asyncio.create_task(served.listener.stop(60.0))
        await asyncio.sleep(0)
        await client.send(stuffed(MAIL) + b"MAIL FROM:<>\r\n")

        assert await client.rest() == b"250 2.0.0 Accepted\r\n" * 2 + CLOSING
        await stopping
    assert [taken.raw for taken in keeper.taken] == [MAIL]


async def test_mail_that_does_not_come_within_the_grace_is_421_for_each_recipient(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper)
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org", "b@example.org")
        await client.send(b"Subject: hel")
        await served.listener.stop(0.05)

        assert await client.rest() == CLOSING * 2
    assert keeper.taken == []


async def test_shutdown_waits_for_a_mail_whose_client_left(serve: Serve) -> None:
    keeper = Keeper()
    keeper.may_go_on.clear()
    served = await serve(keeper)
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org")
        await client.send(stuffed(MAIL))
        await keeper.arrived.wait()
        client.reset()
    stopping = asyncio.create_task(served.listener.stop(60.0))
    await asyncio.sleep(0)
    assert not stopping.done()
    keeper.may_go_on.set()
    await stopping

    assert [taken.raw for taken in keeper.taken] == [MAIL]
