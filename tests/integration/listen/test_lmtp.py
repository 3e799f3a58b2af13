"""LMTP on real sockets: a reply for each accepted recipient, whatever happens (RFC 2033 section 4.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mailproc.listen.limits import ListenLimits
from mailproc.model.address import Address
from mailproc.model.reply import ACCEPTED, LOCAL_ERROR, NO_SUCH_DESK, STORE_FULL, MailError, Reply
from tests.rig.keeper import Keeper, Taken
from tests.rig.raw_client import Served, stuffed

Serve = Callable[..., Awaitable[Served]]
SENDER = Address("sender", "example.com")
MAIL = b"Subject: hello\r\n\r\nworld\r\n"


async def test_lhlo_offers_what_rfc_2033_asks_for(serve: Serve) -> None:
    served = await serve(Keeper(), ListenLimits(size=1000))
    async with served.connect() as client:
        offered = await client.greet()

    names = [line[4:] for line in offered]
    assert names == ["mail.example", "PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "SIZE 1000"]


@pytest.mark.parametrize("word", ["HELO", "EHLO"])
async def test_helo_is_no_word_of_lmtp(serve: Serve, word: str) -> None:
    served = await serve(Keeper())
    async with served.connect() as client:
        await client.replies(1)

        assert await client.say(f"{word} client.example", "MAIL FROM:<>") == [
            "500 5.5.1 Command not recognized",
            "503 5.5.1 Send the greeting first",
        ]


async def test_each_recipient_has_its_own_reply_in_order(serve: Serve) -> None:
    outcome = [ACCEPTED, STORE_FULL, NO_SUCH_DESK]
    keeper = Keeper(outcome)
    served = await serve(keeper)
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org", "b@example.org", "c@example.org")
        await client.send(stuffed(MAIL))

        assert await client.replies(3) == [str(reply) for reply in outcome]
    assert keeper.taken == [Taken(SENDER, ("a@example.org", "b@example.org", "c@example.org"), MAIL)]


async def test_recipient_given_twice_is_answered_twice(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper)
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org", "a@example.org")
        await client.send(stuffed(MAIL))

        assert await client.codes(2) == ["250", "250"]
    assert keeper.taken[0].recipients == ("a@example.org", "a@example.org")


async def test_unknown_recipient_is_refused_and_owes_no_reply(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper)
    async with served.connect() as client:
        await client.greet()
        answers = await client.begin("a@example.org", "b@nobody.example")
        await client.send(stuffed(MAIL) + b"NOOP\r\n")

        assert answers == ["250 2.1.5 Recipient ok", "550 5.1.1 No such address here"]
        assert await client.replies(2) == ["250 2.0.0 Accepted", "250 2.0.0 Ok"]
    assert keeper.taken[0].recipients == ("a@example.org",)


async def test_data_without_a_valid_recipient_is_refused(serve: Serve) -> None:
    served = await serve(Keeper())
    async with served.connect() as client:
        await client.greet()

        answers = await client.say("MAIL FROM:<>", "RCPT TO:<a@nobody.example>", "DATA", "RSET", "DATA")

    assert [answer[:9] for answer in answers] == [
        "250 2.1.0",
        "550 5.1.1",
        "503 5.5.1",
        "250 2.0.0",
        "503 5.5.1",
    ]


async def test_null_sender_is_taken(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper)
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org", sender="<>")
        await client.send(stuffed(MAIL))
        await client.replies(1)

    assert keeper.taken[0].mail_from is None


async def test_commands_in_one_segment_with_the_mail_are_answered_in_order(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper)
    batch = b"MAIL FROM:<sender@example.com>\r\nRCPT TO:<%s@example.org>\r\nDATA\r\n"
    async with served.connect() as client:
        await client.greet()
        await client.send(batch % b"a" + stuffed(MAIL) + batch % b"b" + stuffed(MAIL) + b"QUIT\r\n")

        assert await client.codes(9) == ["250", "250", "354", "250", "250", "250", "354", "250", "221"]
        assert await client.rest() == b""
    assert [taken.recipients for taken in keeper.taken] == [("a@example.org",), ("b@example.org",)]


async def test_announced_size_over_the_limit_is_refused_at_mail(serve: Serve) -> None:
    served = await serve(Keeper(), ListenLimits(size=1000))
    async with served.connect() as client:
        await client.greet()

        assert await client.say("MAIL FROM:<> SIZE=1001", "MAIL FROM:<> SIZE=1000") == [
            "552 5.3.4 Message is larger than this server accepts",
            "250 2.1.0 Sender ok",
        ]


async def test_mail_over_the_limit_is_answered_for_each_recipient(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper, ListenLimits(size=1000))
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org", "b@example.org")
        await client.send(stuffed(b"x" * 500_000 + b"\r\n") + b"NOOP\r\n")

        assert await client.codes(3) == ["552", "552", "250"]
    assert keeper.taken == []


async def test_line_of_any_length_is_taken(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper)
    mail = b"X-Long: " + b"x" * 3_000_000 + b"\r\n"
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org")
        await client.send(stuffed(mail))

        assert await client.codes(1) == ["250"]
    assert keeper.taken[0].raw == mail


async def test_bare_newlines_nul_and_eight_bit_octets_are_kept_as_they_came(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper)
    mail = b"a\nb\rc\0d\xff\r\n\n.\n\r.\r\r\n"
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org")
        await client.send(stuffed(mail))

        assert await client.codes(1) == ["250"]
    assert keeper.taken[0].raw == mail


@pytest.mark.parametrize(
    "error",
    [RuntimeError("secret of ours"), KeyError("x"), TimeoutError(), EOFError(), asyncio.CancelledError()],
)
async def test_error_of_ours_is_451_for_each_recipient_and_says_nothing(
    serve: Serve, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    served = await serve(Keeper(error))
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org", "b@example.org")
        await client.send(stuffed(MAIL) + b"NOOP\r\n")

        assert await client.replies(3) == [str(LOCAL_ERROR), str(LOCAL_ERROR), "250 2.0.0 Ok"]
    assert "intake failed" in caplog.text


async def test_mail_error_is_answered_with_its_reply(serve: Serve) -> None:
    served = await serve(Keeper(MailError(STORE_FULL)))
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org", "b@example.org")
        await client.send(stuffed(MAIL))

        assert await client.replies(2) == [str(STORE_FULL)] * 2


async def test_wrong_number_of_outcomes_is_an_error_of_ours(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    served = await serve(Keeper([ACCEPTED]))
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org", "b@example.org")
        await client.send(stuffed(MAIL))

        assert await client.replies(2) == [str(LOCAL_ERROR)] * 2
    assert "1 replies for 2 recipients" in caplog.text


async def test_text_with_line_breaks_makes_one_line(serve: Serve) -> None:
    served = await serve(Keeper([Reply(550, "5.7.1", "one\r\n250 two")]))
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org")
        await client.send(stuffed(MAIL) + b"NOOP\r\n")

        assert await client.replies(2) == ["550 5.7.1 one 250 two", "250 2.0.0 Ok"]


async def test_error_at_rcpt_is_451(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    keeper = Keeper()
    keeper.recipient_error = RuntimeError("secret of ours")
    served = await serve(keeper)
    async with served.connect() as client:
        await client.greet()

        answers = await client.say("MAIL FROM:<>", "RCPT TO:<a@example.org>")

    assert answers[1] == str(LOCAL_ERROR)
    assert "secret of ours" in caplog.text


async def test_too_many_recipients_are_452_and_the_others_get_the_mail(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper, ListenLimits(recipients=2))
    async with served.connect() as client:
        await client.greet()
        answers = await client.begin("a@example.org", "b@example.org", "c@example.org")
        await client.send(stuffed(MAIL))

        assert answers[2].startswith("452 4.5.3")
        assert await client.codes(2) == ["250", "250"]


@pytest.mark.parametrize(
    "command", ["MAIL FROM:<a..b@example.com>", "MAIL FROM:<a@example.com", "MAIL FROM:<\xff>"]
)
async def test_bad_sender_is_501(serve: Serve, command: str) -> None:
    served = await serve(Keeper())
    async with served.connect() as client:
        await client.greet()
        await client.send(command.encode("latin-1") + b"\r\n")

        assert await client.replies(1) == ["501 5.1.3 Bad address syntax"]


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("VRFY a", "252 2.0.0"),
        ("HELP", "214 2.0.0"),
        ("EXPN a", "502 5.5.1"),
        ("STARTTLS", "502 5.5.1"),
        ("AUTH PLAIN AGEAYQ==", "502 5.5.1"),
        ("BDAT 5 LAST\r\nhello", "502 5.5.1"),
        ("BDAT", "502 5.5.1"),
        ("XFORWARD NAME=x", "500 5.5.1"),
        ("", "500 5.5.1"),
        ("é", "500 5.5.1"),
        ("x" * 3000, "500 5.5.2"),
    ],
)
async def test_other_commands_are_answered_once_and_in_step(serve: Serve, command: str, reply: str) -> None:
    served = await serve(Keeper())
    end = "" if command.endswith("hello") else "\r\n"
    async with served.connect() as client:
        await client.greet()
        await client.send(f"{command}{end}NOOP\r\n".encode())

        answers = await client.replies(2)

    assert answers[0].startswith(reply)
    assert answers[1] == "250 2.0.0 Ok"


async def test_client_that_leaves_does_not_cancel_what_it_handed_over(serve: Serve) -> None:
    keeper = Keeper()
    keeper.may_go_on.clear()
    served = await serve(keeper)
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org")
        await client.send(stuffed(MAIL))
        await keeper.arrived.wait()
        client.reset()
    async with served.connect() as other:  # the loop has turned: the server knows that the first one left
        await other.greet()
    keeper.may_go_on.set()
    await served.listener.stop(5.0)

    assert [taken.raw for taken in keeper.taken] == [MAIL]


async def test_client_that_leaves_in_the_middle_of_a_mail_leaves_nothing(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper)
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org")
        await client.send(MAIL + b"\r\n.")
        client.send_no_more()

        assert await client.rest() == b""
    assert keeper.taken == []


async def test_client_that_only_stops_sending_gets_its_replies(serve: Serve) -> None:
    keeper = Keeper()
    served = await serve(keeper)
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org", "b@example.org")
        await client.send(stuffed(MAIL))
        client.send_no_more()

        assert await client.rest() == b"250 2.0.0 Accepted\r\n" * 2
    assert len(keeper.taken) == 1
