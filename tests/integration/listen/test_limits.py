"""What a client may use, and the replies to a client that wants more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mailproc.listen.limits import ListenLimits
from tests.rig.keeper import Keeper
from tests.rig.raw_client import Served, stuffed

Serve = Callable[..., Awaitable[Served]]
MAIL = b"Subject: hello\r\n\r\nworld\r\n"


async def test_useless_commands_end_the_session_until_a_mail_comes(serve: Serve) -> None:
    served = await serve(Keeper(), ListenLimits(useless_commands=3))
    async with served.connect() as client:
        await client.greet()  # LHLO is the first
        assert await client.codes(0) == []
        await client.say("NOOP", "VRFY a")
        await client.begin("a@example.org")
        await client.send(stuffed(MAIL))
        assert await client.codes(1) == ["250"]

        answers = await client.say("NOOP", "RSET", "NONSENSE", "NOOP")

        assert [answer[:9] for answer in answers] == ["250 2.0.0", "250 2.0.0", "500 5.5.1", "421 4.7.0"]
        assert await client.rest() == b""


async def test_connection_over_the_total_is_told_421(serve: Serve) -> None:
    served = await serve(Keeper(), ListenLimits(connections=1))
    async with served.connect() as first:
        await first.greet()
        async with served.connect() as second:
            assert await second.rest() == b"421 4.7.0 Too many connections, try again later\r\n"

        assert await first.say("NOOP") == ["250 2.0.0 Ok"]


async def test_connection_is_free_again_after_quit(serve: Serve) -> None:
    served = await serve(Keeper(), ListenLimits(connections=1))
    async with served.connect() as first:
        await first.greet()
        await first.say("QUIT")
        await first.rest()

    async with served.connect() as second:
        assert (await second.replies(1))[0].startswith("220 mail.example LMTP")


LARGE = ListenLimits(large=10_000, large_at_once=1, large_wait=0.01)


async def test_large_mail_is_452_for_each_recipient_while_another_is_read(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper, LARGE)
    mail = b"x" * 600_000 + b"\r\n"
    async with served.connect() as first, served.connect() as second:
        keeper.may_go_on.clear()
        await first.greet()
        await first.begin("a@example.org")
        await first.send(stuffed(mail))
        await keeper.arrived.wait()
        await second.greet()
        await second.begin("b@example.org", "c@example.org")
        await second.send(stuffed(mail) + b"NOOP\r\n")

        assert await second.codes(3) == ["452", "452", "250"]
        keeper.may_go_on.set()
        assert await first.codes(1) == ["250"]
        await second.begin("b@example.org", "c@example.org")
        await second.send(stuffed(mail))
        assert await second.codes(2) == ["250", "250"]


async def test_announced_large_mail_is_452_before_it_is_sent(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper, LARGE)
    async with served.connect() as first, served.connect() as second:
        for client in (first, second):
            await client.greet()
            await client.say("MAIL FROM:<> SIZE=10000", "RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>")

        assert (await first.say("DATA"))[0].startswith("354")
        assert (await second.say("DATA"))[0].startswith("452 4.3.1")
        await first.send(stuffed(MAIL))
        assert await first.codes(2) == ["250", "250"]
        assert (await second.say("DATA"))[0].startswith("354")


async def test_turn_of_a_large_mail_is_kept_until_it_is_stored_though_its_client_left(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper, LARGE)
    async with served.connect() as first, served.connect() as second:
        keeper.may_go_on.clear()
        for client in (first, second):
            await client.greet()
            await client.say("MAIL FROM:<> SIZE=10000", "RCPT TO:<a@example.org>")
        await first.say("DATA")
        await first.send(stuffed(MAIL))
        await keeper.arrived.wait()
        first.reset()

        assert (await second.say("DATA"))[0].startswith("452 4.3.1")
        keeper.may_go_on.set()
        assert (await second.say("DATA"))[0].startswith("354")
