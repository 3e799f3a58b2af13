"""The agents' port is no open relay (A19), and a From header makes nobody an agent (A20)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable

import pytest

from mailproc.listen.limits import ListenLimits
from tests.rig.office import ServedOffice
from tests.rig.raw_client import RawClient, stuffed

Serve = Callable[..., Awaitable[ServedOffice]]

FROM_ALICE = "MAIL FROM:<alice@example.org>"
NOT_YOURS = "553 5.7.1 Sender address is not yours"
NOT_TO_THERE = "550 5.7.1 Not in this conversation"


async def logged_in(client: RawClient, user: str = "alice") -> None:
    await client.greet("EHLO")
    login = b64encode(f"\0{user}\0secret of {user}".encode()).decode()
    assert (await client.say(f"AUTH PLAIN {login}"))[0].startswith("235")


@pytest.mark.parametrize("sender", ["alice@example.org", "support@example.org", "", "spammer@evil.example"])
async def test_without_a_login_there_is_no_mail(serve: Serve, sender: str) -> None:
    served = await serve()
    async with served.connect() as client:
        await client.greet("EHLO")
        answers = await client.say(f"MAIL FROM:<{sender}>", "RCPT TO:<ann@customer.example>", "DATA")
    assert [answer[:9] for answer in answers] == ["530 5.7.0", "503 5.5.1", "503 5.5.1"]
    assert served.desks.taken == []


async def test_a_refused_login_is_no_login(serve: Serve) -> None:
    served = await serve()
    async with served.connect() as client:
        await client.greet("EHLO")
        wrong = b64encode(b"\0alice\0wrong").decode()
        assert (await client.say(f"AUTH PLAIN {wrong}", FROM_ALICE))[1].startswith("530 5.7.0")


@pytest.mark.parametrize(
    "sender",
    [
        "bob@example.org",
        "alice@evil.example",
        "spammer@evil.example",
        '"alice@example.org"@evil.example',
        "alice%example.org@evil.example",
        "alice@example.org.evil.example",
    ],
)
async def test_nobody_sends_from_an_address_that_is_not_his(serve: Serve, sender: str) -> None:
    served = await serve()
    async with served.connect() as client:
        await logged_in(client)
        assert await client.say(f"MAIL FROM:<{sender}>") == [NOT_YOURS]


@pytest.mark.parametrize(
    "recipient",
    [
        "ann@elsewhere.example",
        "@customer.example,@support.example.org:ann@elsewhere.example",  # RFC 5321 appendix C: a source route
        "@customer.example:ann@elsewhere.example",
        "ann%elsewhere.example@example.org",
        "elsewhere.example!ann@example.org",
        '"ann@elsewhere.example"@example.org',
        '"support@example.org"@elsewhere.example',
        '"ann@customer.example"@elsewhere.example',
        "support@example.org.elsewhere.example",
        "[192.0.2.1]@elsewhere.example",
    ],
)
async def test_an_address_that_takes_no_part_is_refused_in_every_disguise(
    serve: Serve, recipient: str
) -> None:
    served = await serve()
    async with served.connect() as client:
        await logged_in(client)
        answers = await client.say(FROM_ALICE, f"RCPT TO:<{recipient}>", "DATA")
    assert answers[1][:3] in ("550", "501")
    assert answers[2] == "503 5.5.1 No valid recipient"


async def test_a_source_route_is_ignored(serve: Serve) -> None:
    served = await serve()
    async with served.connect() as client:
        await logged_in(client)
        await client.begin("@elsewhere.example,@b.example:ann@customer.example", sender="<alice@example.org>")
        await client.send(stuffed(b"x\r\n"))
        assert await client.codes(1) == ["250"]
    assert served.desks.taken[0].recipients == ("ann@customer.example",)


async def test_a_thousand_recipients_are_too_many(serve: Serve) -> None:
    served = await serve(limits=ListenLimits(recipients=100))
    async with served.connect() as client:
        await logged_in(client)
        rcpts = [f"RCPT TO:<c{number}@customer.example>" for number in range(1000)]
        answers = await client.say(FROM_ALICE, *rcpts)
    assert [answer[:3] for answer in answers[1:]] == ["250"] * 100 + ["452"] * 900


async def test_the_desks_hear_who_logged_in_whoever_stands_in_from(serve: Serve) -> None:
    served = await serve()
    async with served.connect() as client:
        await logged_in(client, "bob")
        await client.begin("ann@customer.example", sender="<support@example.org>")
        await client.send(stuffed(b"From: alice@example.org\r\nSender: carol@example.org\r\n\r\nhello\r\n"))
        assert await client.codes(1) == ["250"]
    assert served.desks.taken[0].agent == "bob"


@pytest.mark.parametrize(
    ("parameters", "answer"),
    [
        ("", "250 2.1.0 Sender ok"),
        (" AUTH=<>", "250 2.1.0 Sender ok"),
        (" SIZE=100 BODY=8BITMIME AUTH=somebody+40else", "250 2.1.0 Sender ok"),
        (" SMTPUTF8", "250 2.1.0 Sender ok"),
        (" RET=HDRS", "555 5.5.4 Parameter not recognized or not implemented"),
        (" AUTH=a=b", "555 5.5.4 Parameter not recognized or not implemented"),
    ],
)
async def test_the_submitter_that_a_client_names_is_taken_and_ignored(
    serve: Serve, parameters: str, answer: str
) -> None:
    served = await serve()
    async with served.connect() as client:
        await logged_in(client)
        assert await client.say(FROM_ALICE + parameters) == [answer]


async def test_delivery_reports_cannot_be_asked_for(serve: Serve) -> None:
    served = await serve()
    async with served.connect() as client:
        await logged_in(client)
        answers = await client.say(FROM_ALICE, "RCPT TO:<ann@customer.example> NOTIFY=SUCCESS")
    assert answers[1].startswith("555")
