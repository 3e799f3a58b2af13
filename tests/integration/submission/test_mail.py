"""A mail of an agent: one reply, and the octets as they came."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from mailproc.listen.limits import ListenLimits
from mailproc.model.reply import ACCEPTED, NO_SUCH_DESK, STORE_BUSY, MailError, Reply
from tests.rig.office import ServedOffice
from tests.rig.raw_client import RawClient, stuffed

Serve = Callable[..., Awaitable[ServedOffice]]

LOGIN = "AUTH PLAIN " + b64encode(b"\0alice\0secret of alice").decode()
ANN = "ann@customer.example"


@asynccontextmanager
async def alice(served: ServedOffice) -> AsyncIterator[RawClient]:
    async with served.connect() as client:
        await client.greet("EHLO")
        await client.say(LOGIN)
        yield client


async def begin(client: RawClient, *recipients: str) -> None:
    await client.begin(*(recipients or (ANN,)), sender="<alice@example.org>")


@pytest.mark.parametrize(
    "raw",
    [
        b"From: alice@example.org\r\nSubject: x\r\n\r\nhello\r\n",
        b"no header at all\r\n",
        b"",
        b"\r\n",
        b"Subject: bare\n\nLF and\rCR\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 200_000 + b"\r\n",
        b".\r\n..\r\n. dots\r\n",
        b"\0\xff\xfe\r\n",
        "Subject: grüße\r\n\r\nä\r\n".encode(),
    ],
)
async def test_what_a_client_sends_is_handed_over_as_it_is(serve: Serve, raw: bytes) -> None:
    served = await serve()
    async with alice(served) as client:
        await begin(client)
        await client.send(stuffed(raw))
        assert await client.replies(1) == ["250 2.0.0 Accepted"]
    assert served.desks.taken[0].raw == raw


@pytest.mark.parametrize("outcome", [ACCEPTED, NO_SUCH_DESK, STORE_BUSY])
async def test_a_mail_to_several_has_one_reply(serve: Serve, outcome: Reply) -> None:
    served = await serve()
    served.desks.outcome = outcome
    async with alice(served) as client:
        await begin(client, ANN, "support@example.org", ANN)
        await client.send(stuffed(b"x\r\n") + b"NOOP\r\n")
        assert await client.replies(2) == [str(outcome), "250 2.0.0 Ok"]


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (MailError(Reply(550, "5.7.1", "bob answered already")), "550 5.7.1 bob answered already"),
        (RuntimeError("a bug"), "451 4.3.0 Local error, try again later"),
    ],
)
async def test_an_error_is_one_reply_and_a_bug_a_temporary_one(
    serve: Serve, error: Exception, reply: str
) -> None:
    served = await serve()
    served.desks.outcome = error
    async with alice(served) as client:
        await begin(client)
        await client.send(stuffed(b"x\r\n") + b"NOOP\r\n")
        assert await client.replies(2) == [reply, "250 2.0.0 Ok"]


async def test_a_bug_at_rcpt_is_a_temporary_failure(serve: Serve) -> None:
    served = await serve()
    served.desks.recipient_error = RuntimeError("a bug")
    async with alice(served) as client:
        answers = await client.say("MAIL FROM:<alice@example.org>", f"RCPT TO:<{ANN}>", "NOOP")
    assert [answer[:9] for answer in answers[1:]] == ["451 4.3.0", "250 2.0.0"]


async def test_several_mails_go_over_one_connection(serve: Serve) -> None:
    served = await serve()
    async with alice(served) as client:
        for number in range(3):
            await begin(client)
            await client.send(stuffed(b"%d\r\n" % number))
            assert await client.codes(1) == ["250"]
    assert [mail.raw for mail in served.desks.taken] == [b"0\r\n", b"1\r\n", b"2\r\n"]


async def test_a_read_receipt_has_no_sender(serve: Serve) -> None:
    served = await serve()
    async with alice(served) as client:
        await client.begin(ANN, sender="<>")
        await client.send(stuffed(b"x\r\n"))
        assert await client.codes(1) == ["250"]
    assert served.desks.taken[0].mail_from == ""


async def test_a_mail_over_the_limit_is_refused_before_and_after_data(serve: Serve) -> None:
    served = await serve(limits=ListenLimits(size=100))
    async with alice(served) as client:
        assert (await client.say("MAIL FROM:<alice@example.org> SIZE=101"))[0].startswith("552 5.3.4")
        await begin(client)
        await client.send(stuffed(b"x" * 200 + b"\r\n"))
        assert await client.codes(1) == ["552"]
    assert served.desks.taken == []


async def test_a_mail_is_stored_though_its_client_leaves(serve: Serve) -> None:
    served = await serve()
    served.desks.may_go_on.clear()
    async with alice(served) as client:
        await begin(client)
        await client.send(stuffed(b"x\r\n"))
        await served.desks.arrived.wait()
        client.reset()
    served.desks.may_go_on.set()
    await served.listener.stop(5.0)
    assert len(served.desks.taken) == 1


async def test_a_mail_cut_short_is_no_mail(serve: Serve) -> None:
    served = await serve()
    async with alice(served) as client:
        await begin(client)
        await client.send(b"Subject: half\r\n\r\nI will n")
        client.reset()
    await served.listener.stop(5.0)
    assert served.desks.taken == []


async def test_at_shutdown_a_mail_on_its_way_gets_its_one_reply(serve: Serve) -> None:
    served = await serve()
    served.desks.may_go_on.clear()
    async with alice(served) as client:
        await begin(client, ANN, "support@example.org")
        await client.send(stuffed(b"x\r\n"))
        await served.desks.arrived.wait()
        stopping = asyncio.create_task(served.listener.stop(20.0))
        served.desks.may_go_on.set()
        assert await client.codes(2) == ["250", "421"]
        await stopping
