"""AUTH (RFC 4954) with PLAIN (RFC 4616) and LOGIN: who gets in, and what is said to the others."""

from __future__ import annotations

import asyncio
import smtplib
from base64 import b64encode
from collections.abc import Awaitable, Callable

import pytest

from mailproc.listen.limits import ListenLimits
from tests.rig.office import UNAVAILABLE, ServedOffice

Serve = Callable[..., Awaitable[ServedOffice]]

WELCOME = "235 2.7.0 Authentication successful"
REFUSED = "535 5.7.8 Authentication credentials invalid"
BAD_BASE64 = "501 5.5.2 Cannot decode base64"
ASK_USER, ASK_PASSWORD = "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"
MAIL_FROM = "MAIL FROM:<alice@example.org>"


def coded(text: str | bytes) -> str:
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


def plain(user: str, password: str, acts_for: str = "") -> str:
    return coded(f"{acts_for}\0{user}\0{password}")


GOOD = plain("alice", "secret of alice")
WRONG = plain("alice", "wrong")


@pytest.mark.parametrize(
    "exchange",
    [
        [(f"AUTH PLAIN {GOOD}", WELCOME)],
        [(f"auth plain {GOOD}", WELCOME)],
        [("AUTH PLAIN", "334 "), (GOOD, WELCOME)],
        [("AUTH LOGIN", ASK_USER), (coded("alice"), ASK_PASSWORD), (coded("secret of alice"), WELCOME)],
        [(f"AUTH LOGIN {coded('alice')}", ASK_PASSWORD), (coded("secret of alice"), WELCOME)],
        [(f"AUTH PLAIN {plain('ALICE', 'secret of alice')}", WELCOME)],
        [(f"AUTH PLAIN {plain('Alice@Example.org', 'secret of alice')}", WELCOME)],
        [(f"AUTH PLAIN {plain('alice', 'secret of alice', acts_for='Alice')}", WELCOME)],
        [(f"AUTH PLAIN {WRONG}", REFUSED), (f"AUTH PLAIN {GOOD}", WELCOME)],
        [
            ("AUTH PLAIN", "334 "),
            ("*", "501 5.7.0 Authentication cancelled"),
            (f"AUTH PLAIN {GOOD}", WELCOME),
        ],
        [("AUTH LOGIN", ASK_USER), ("*", "501 5.7.0 Authentication cancelled"), ("NOOP", "250 2.0.0 Ok")],
        [("AUTH PLAIN", "334 "), ("no base64!", BAD_BASE64), ("NOOP", "250 2.0.0 Ok")],
        [("AUTH PLAIN no~base64", BAD_BASE64)],
        [("AUTH PLAIN GOO", BAD_BASE64)],
        [("AUTH LOGIN", ASK_USER), ("\u00e4", BAD_BASE64)],
        [("AUTH LOGIN", ASK_USER), (coded("alice"), ASK_PASSWORD), ("no base64!", BAD_BASE64)],
        [("AUTH PLAIN =", "501 5.5.2 Cannot read the authentication response")],
        [(f"AUTH PLAIN {coded('alice')}", "501 5.5.2 Cannot read the authentication response")],
        [("AUTH PLAIN", "334 "), ("", "501 5.5.2 Cannot read the authentication response")],
        [(f"AUTH PLAIN {GOOD} more", "501 5.5.4 Syntax error in command or its parameters")],
        [("AUTH", "501 5.5.4 Syntax error in command or its parameters")],
        [("AUTH CRAM-MD5", "504 5.5.4 Authentication mechanism not supported")],
        [(f"AUTH PLAIN {GOOD}", WELCOME), (f"AUTH PLAIN {GOOD}", "503 5.5.1 Already authenticated")],
        [("AUTH PLAIN", "334 "), ("A" * 3000, "500 5.5.6 Authentication exchange line is too long")],
    ],
)
async def test_an_exchange_goes_as_the_standard_says(serve: Serve, exchange: list[tuple[str, str]]) -> None:
    served = await serve()
    async with served.connect() as client:
        await client.greet("EHLO")
        for said, answer in exchange:
            assert await client.say(said) == [answer.rstrip()]


@pytest.mark.parametrize(
    "response",
    [
        plain("alice", "wrong"),
        plain("alice", ""),
        plain("nobody", "secret of alice"),
        plain("", "secret of alice"),
        plain("carol", "secret of carol"),  # right, but no agent of a desk
        plain("alice@elsewhere.example", "secret of alice"),  # right there, but another domain
        plain("alice", "secret of alice", acts_for="bob"),
        plain("alice\n", "secret of alice"),
        plain("a" * 300, "secret of alice"),
        plain("alice", "x" * 1200),
        coded(b"\0alice\xff\0secret of alice"),
    ],
)
async def test_whoever_is_refused_hears_the_same(serve: Serve, response: str) -> None:
    served = await serve()
    async with served.connect() as client:
        await client.greet("EHLO")
        assert await client.say(f"AUTH PLAIN {response}", MAIL_FROM) == [
            REFUSED,
            "530 5.7.0 Authentication required",
        ]
    assert served.pauses.made == [0.5]


async def test_a_password_may_be_any_octets(serve: Serve) -> None:
    served = await serve()
    async with served.connect() as client:
        await client.greet("EHLO")
        await client.say(f"AUTH PLAIN {coded(b'%salice%sp%sss' % (bytes(1), bytes(1), bytes([228])))}")
    assert [login.password for login in served.prover.asked] == [b"p\xe4ss"]


async def test_auth_comes_after_the_greeting(serve: Serve) -> None:
    served = await serve()
    async with served.connect() as client:
        await client.replies(1)
        assert await client.say(f"AUTH PLAIN {GOOD}") == ["503 5.5.1 Send the greeting first"]


async def test_auth_is_not_taken_within_a_transaction(serve: Serve) -> None:
    served = await serve()
    async with served.connect() as client:
        await client.greet("EHLO")
        assert await client.say(f"AUTH PLAIN {GOOD}", MAIL_FROM, f"AUTH PLAIN {GOOD}") == [
            WELCOME,
            "250 2.1.0 Sender ok",
            "503 5.5.1 Already authenticated",
        ]


async def test_a_login_outlasts_rset_and_a_new_greeting(serve: Serve) -> None:
    served = await serve()
    async with served.connect() as client:
        await client.greet("EHLO")
        await client.say(f"AUTH PLAIN {GOOD}", "RSET")
        await client.offers()
        assert await client.say(MAIL_FROM) == ["250 2.1.0 Sender ok"]


async def test_a_login_and_a_mail_may_come_in_one_packet(serve: Serve) -> None:
    served = await serve()
    async with served.connect() as client:
        await client.greet("EHLO")
        commands = ["AUTH LOGIN", coded("alice"), coded("secret of alice"), MAIL_FROM]
        commands += ["RCPT TO:<ann@customer.example>", "DATA"]
        answers = await client.say(*commands)
        assert [answer[:3] for answer in answers] == ["334", "334", "235", "250", "250", "354"]


async def test_a_server_that_cannot_say_is_a_temporary_failure(serve: Serve) -> None:
    served = await serve()
    served.prover.trouble = UNAVAILABLE
    async with served.connect() as client:
        await client.greet("EHLO")
        assert await client.say(f"AUTH PLAIN {GOOD}") == ["454 4.7.0 Temporary authentication failure"]
        served.prover.trouble = RuntimeError("a bug")
        assert await client.say(f"AUTH PLAIN {GOOD}") == ["454 4.7.0 Temporary authentication failure"]
        served.prover.trouble = None
        assert await client.say(f"AUTH PLAIN {GOOD}") == [WELCOME]
    assert served.pauses.made == []


@pytest.mark.parametrize("leave_at", ["challenge", "check"])
async def test_a_client_that_dies_in_auth_leaves_its_place(serve: Serve, leave_at: str) -> None:
    served = await serve(limits=ListenLimits(connections=1))
    served.prover.may_go_on.clear()
    async with served.connect() as client:
        await client.greet("EHLO")
        if leave_at == "challenge":
            assert await client.say("AUTH PLAIN") == ["334"]
        else:
            await client.send(f"AUTH PLAIN {GOOD}\r\n".encode())
        client.reset()
    served.prover.may_go_on.set()
    await served.has_room()


async def test_clients_of_the_standard_library_get_in_whatever_they_choose(serve: Serve) -> None:
    served = await serve()

    def send() -> None:
        for mechanism in ("PLAIN", "LOGIN"):
            for initial in (True, False):
                with smtplib.SMTP("localhost", served.port) as client:
                    client.ehlo()
                    client.user, client.password = "alice", "secret of alice"
                    authenticate = getattr(client, f"auth_{mechanism.lower()}")
                    assert client.auth(mechanism, authenticate, initial_response_ok=initial)[0] == 235

    await asyncio.to_thread(send)


async def test_ehlo_offers_what_there_is_and_nothing_else(serve: Serve) -> None:
    served = await serve("starttls", limits=ListenLimits(size=1000))
    async with served.connect() as client:
        offered = [line[4:] for line in await client.greet("EHLO")]
    assert offered == [
        "mail.example",
        "PIPELINING",
        "ENHANCEDSTATUSCODES",
        "8BITMIME",
        "SMTPUTF8",
        "STARTTLS",
        "AUTH PLAIN LOGIN",
        "SIZE 1000",
    ]
