"""However a mail is cut into segments and whatever becomes of it: a reply for each accepted recipient."""

from __future__ import annotations

import asyncio
import logging

from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.listen.limits import ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.lmtp import LmtpSession
from mailproc.listen.sockets import bind, parse_endpoint
from mailproc.model.address import Address
from mailproc.model.reply import ACCEPTED, NO_SUCH_DESK, STORE_FULL, Reply
from tests.rig.keeper import Keeper, Taken
from tests.rig.raw_client import RawClient, Served, cut, stuffed

SENDER = Address("sender", "example.com")
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
