"""LMTP on real sockets: a reply for each accepted recipient, whatever happens (RFC 2033 section 4.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.listen.limits import ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.lmtp import LmtpSession
from mailproc.listen.sockets import bind, parse_endpoint
from mailproc.model.address import Address
from mailproc.model.reply import ACCEPTED, LOCAL_ERROR, NO_SUCH_DESK, STORE_FULL, MailError, Reply
from tests.rig.keeper import Keeper, Taken
from tests.rig.raw_client import RawClient, Served, cut, stuffed

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


NAMES = st.lists(
    st.sampled_from(["a@example.org", "b@example.org", "c@nobody.example"]), min_size=1, max_size=6
)
REPLIES = st.sampled_from([ACCEPTED, STORE_FULL, NO_SUCH_DESK, Reply(250, "2.0.0", "odd\r\ntext")])
LINES = st.lists(st.sampled_from([b"", b".", b"..", b".x", b"a\rb", b"a\n.", b"\xff\0"]), max_size=8).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines)
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            NAMES, LINES, st.one_of(st.none(), st.just(ValueError("x")), st.lists(REPLIES, max_size=6))
        ),
        min_size=1,
        max_size=3,
    ),
    st.lists(st.integers(0, 1000), max_size=8),
)
def test_replies_are_as_many_as_accepted_recipients_and_octets_as_sent(
    mails: list[tuple[list[str], bytes, list[Reply] | Exception | None]], places: list[int]
) -> None:
    async def converse() -> None:
        keeper = Keeper()
        limits = ListenLimits(useless_commands=10)
        listener = Listener(LmtpSession, keeper, hostname="mail.example", limits=limits)
        sockets = bind(parse_endpoint("127.0.0.1:0"), {})
        served = Served(listener, sockets[0].getsockname())
        await listener.start(sockets)
        async with served.connect() as client:
            await client.greet()
            for names, lines, outcome in mails:
                await check_one_mail(client, keeper, names, lines, outcome, places)
        await listener.stop(5.0)

    logging.disable(logging.CRITICAL)
    try:
        asyncio.run(converse())
    finally:
        logging.disable(logging.NOTSET)


async def check_one_mail(
    client: RawClient,
    keeper: Keeper,
    names: list[str],
    lines: bytes,
    outcome: list[Reply] | Exception | None,
    places: list[int],
) -> None:
    accepted = tuple(name for name in names if "nobody" not in name)
    keeper.outcome = outcome
    keeper.taken.clear()
    await client.say("MAIL FROM:<sender@example.com>", *(f"RCPT TO:<{name}>" for name in names))
    if not accepted:
        assert [reply[:9] for reply in await client.say("DATA", "RSET")] == ["503 5.5.1", "250 2.0.0"]
        return
    await client.say("DATA")
    await client.send(*cut(stuffed(lines), places))
    answers = await client.replies(len(accepted))
    # The reply to NOOP comes next, so there was none too many.
    assert await client.say("NOOP") == ["250 2.0.0 Ok"]
    if isinstance(outcome, Exception):
        assert keeper.taken == []
    else:
        assert keeper.taken == [Taken(SENDER, accepted, lines)]
    right = isinstance(outcome, list) and len(outcome) == len(accepted)
    expected = [reply.code for reply in outcome] if isinstance(outcome, list) and right else None
    if outcome is None:
        expected = [250] * len(accepted)
    assert [int(answer[:3]) for answer in answers] == (expected or [451] * len(accepted))
