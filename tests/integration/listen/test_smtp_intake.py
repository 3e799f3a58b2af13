"""The plain SMTP intake: one reply to a mail, and no bare CR or LF (RFC 5321 section 2.3.8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from mailproc.listen.limits import ListenLimits
from mailproc.listen.smtp import SmtpSession
from mailproc.model.reply import ACCEPTED, NO_SUCH_DESK, STORE_BUSY, STORE_FULL, Reply
from tests.rig.keeper import Keeper
from tests.rig.raw_client import Served, stuffed

Serve = Callable[..., Awaitable[Served]]
MAIL = b"Subject: hello\r\n\r\nworld\r\n"


async def test_ehlo_offers_the_same_as_lhlo(serve: Serve) -> None:
    served = await serve(Keeper(), session=SmtpSession)
    async with served.connect() as client:
        offered = [line[4:] for line in await client.greet("EHLO")]

    assert offered[1:] == ["PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "SIZE 52428800"]


async def test_helo_is_enough(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper, session=SmtpSession)
    async with served.connect() as client:
        assert (await client.replies(1))[0].startswith("220 mail.example ESMTP")
        assert await client.say("HELO client.example") == ["250 mail.example"]
        await client.begin("a@example.org")
        await client.send(stuffed(MAIL))

        assert await client.codes(1) == ["250"]
    assert keeper.taken[0].raw == MAIL


@pytest.mark.parametrize("command", ["LHLO client.example", "HELO", "EHLO "])
async def test_lhlo_and_empty_greetings_are_refused(serve: Serve, command: str) -> None:
    served = await serve(Keeper(), session=SmtpSession)
    async with served.connect() as client:
        await client.replies(1)

        answers = await client.say(command, "MAIL FROM:<>")

    assert answers[0].startswith("50")
    assert answers[1].startswith("503 5.5.1")


@pytest.mark.parametrize(
    ("outcome", "reply"),
    [
        ([ACCEPTED, ACCEPTED], ACCEPTED),
        ([ACCEPTED, STORE_FULL], STORE_FULL),
        ([NO_SUCH_DESK, STORE_BUSY], STORE_BUSY),
        ([NO_SUCH_DESK, ACCEPTED], NO_SUCH_DESK),
    ],
)
async def test_one_reply_is_the_worst_and_a_temporary_one_before_all(
    serve: Serve, outcome: list[Reply], reply: Reply
) -> None:
    served = await serve(Keeper(outcome), session=SmtpSession)
    async with served.connect() as client:
        await client.greet("EHLO")
        await client.begin("a@example.org", "b@example.org")
        await client.send(stuffed(MAIL) + b"NOOP\r\n")

        assert await client.replies(2) == [str(reply), "250 2.0.0 Ok"]


@pytest.mark.parametrize(
    "octets",
    [b"a\nb", b"a\rb", b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\n.\r\r\n"],
)
async def test_bare_newline_is_refused_and_hides_no_second_mail(serve: Serve, octets: bytes) -> None:
    keeper = Keeper()
    served = await serve(keeper, session=SmtpSession)
    mail = b"a" + octets + b"MAIL FROM:<evil@example.com>\r\n"
    async with served.connect() as client:
        await client.greet("EHLO")
        await client.begin("a@example.org", "b@example.org")
        await client.send(stuffed(mail) + b"NOOP\r\n")

        assert await client.replies(2) == ["550 5.5.2 Bare CR or LF received", "250 2.0.0 Ok"]
    assert keeper.taken == []


async def test_mail_over_the_limit_has_one_reply(serve: Serve) -> None:
    served = await serve(Keeper(), ListenLimits(size=100), session=SmtpSession)
    async with served.connect() as client:
        await client.greet("EHLO")
        await client.begin("a@example.org", "b@example.org")
        await client.send(stuffed(b"x" * 200 + b"\n\r\n") + b"NOOP\r\n")

        assert await client.codes(2) == ["552", "250"]
