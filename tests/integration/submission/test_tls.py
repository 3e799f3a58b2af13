"""STARTTLS (RFC 3207) and TLS from the start (RFC 8314)."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable

import pytest

from mailproc.listen.limits import ListenLimits
from tests.rig.certificate import Certificate
from tests.rig.office import ServedOffice
from tests.rig.raw_client import RawClient

Serve = Callable[..., Awaitable[ServedOffice]]
LOGIN = "AUTH PLAIN " + b64encode(b"\0alice\0secret of alice").decode()
MAIL = "Subject: hello\r\n\r\nworld\r\n"


async def test_a_mail_goes_in_after_starttls(serve: Serve, certificate: Certificate) -> None:
    served = await serve("starttls")

    def send() -> None:
        with smtplib.SMTP("localhost", served.port) as client:
            client.starttls(context=certificate.client_context())
            client.login("alice", "secret of alice")
            client.sendmail("alice@example.org", ["ann@customer.example"], MAIL)

    await asyncio.to_thread(send)
    assert [(mail.agent, mail.recipients) for mail in served.desks.taken] == [
        ("alice", ("ann@customer.example",))
    ]


async def test_a_mail_goes_in_with_tls_from_the_start(serve: Serve, certificate: Certificate) -> None:
    served = await serve("implicit")

    def send() -> None:
        with smtplib.SMTP_SSL("localhost", served.port, context=certificate.client_context()) as client:
            client.login("alice", "secret of alice")
            client.sendmail("alice@example.org", ["ann@customer.example"], MAIL)

    await asyncio.to_thread(send)
    assert [mail.agent for mail in served.desks.taken] == ["alice"]


async def test_what_came_behind_starttls_in_one_packet_is_forgotten(
    serve: Serve, certificate: Certificate
) -> None:
    served = await serve("starttls")
    async with served.connect() as client:
        await client.greet("EHLO")
        injected = f"EHLO evil\r\n{LOGIN}\r\nMAIL FROM:<alice@example.org>\r\n"
        await client.send(b"STARTTLS\r\n" + injected.encode())
        assert await client.codes(1) == ["220"]
        await client.start_tls(certificate.client_context())

        # Nothing of it was heard: no greeting, no login, no mail, and no reply waits.
        assert await client.say("MAIL FROM:<alice@example.org>") == ["503 5.5.1 Send the greeting first"]
        assert await client.say("NOOP") == ["250 2.0.0 Ok"]
    assert served.prover.asked == []


async def test_the_greeting_before_starttls_counts_no_more(serve: Serve, certificate: Certificate) -> None:
    served = await serve("starttls")
    async with served.connect() as client:
        await client.greet("EHLO")
        await client.say("STARTTLS")
        await client.start_tls(certificate.client_context())

        assert await client.say(LOGIN) == ["503 5.5.1 Send the greeting first"]
        offered = [line[4:] for line in await client.offers()]
    assert "STARTTLS" not in offered
    assert "AUTH PLAIN LOGIN" in offered


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_starttls_within_tls_is_refused(serve: Serve, certificate: Certificate, tls: str) -> None:
    served = await serve(tls)
    async with served.connect(certificate.client_context() if tls == "implicit" else None) as client:
        await client.greet("EHLO")
        if tls == "starttls":
            await client.say("STARTTLS")
            await client.start_tls(certificate.client_context())

            await client.offers()

        assert await client.say("STARTTLS") == ["503 5.5.1 TLS is active already"]


async def test_starttls_is_not_there_without_a_certificate(serve: Serve) -> None:
    served = await serve("none")
    async with served.connect() as client:
        offered = [line[4:] for line in await client.greet("EHLO")]
        assert "STARTTLS" not in offered
        assert await client.say("STARTTLS") == ["502 5.5.1 Command not implemented"]


async def test_starttls_takes_no_argument_and_comes_before_the_login(serve: Serve) -> None:
    served = await serve("starttls")
    async with served.connect() as client:
        await client.greet("EHLO")
        assert (await client.say("STARTTLS now"))[0].startswith("501")
        assert await client.say(LOGIN, "STARTTLS") == [
            "235 2.7.0 Authentication successful",
            "503 5.5.1 Already authenticated",
        ]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_plain_text_instead_of_a_handshake_ends_the_connection(serve: Serve, tls: str) -> None:
    served = await serve(tls)
    async with served.connect() as client:
        if tls == "starttls":
            await client.greet("EHLO")
            await client.say("STARTTLS")
        await client.send(b"EHLO client.example\r\nMAIL FROM:<alice@example.org>\r\n")

        assert b"250" not in await client.rest()
    await served.listener.stop(5.0)  # ends at once where the connection was given up


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_client_that_leaves_in_the_handshake_leaves_nothing_behind(
    serve: Serve, certificate: Certificate, tls: str
) -> None:
    served = await serve(tls, limits=ListenLimits(connections=1))
    for leave in (RawClient.send_no_more, RawClient.reset):
        async with served.connect() as client:
            if tls == "starttls":
                await client.greet("EHLO")
                await client.say("STARTTLS")
            leave(client)
        await served.has_room(certificate.client_context() if tls == "implicit" else None)


async def test_who_does_not_shake_hands_is_counted_as_well(serve: Serve) -> None:
    served = await serve("implicit", limits=ListenLimits(connections=1))
    async with served.connect() as silent, served.connect() as next_one:
        assert await next_one.rest() == b""
        silent.reset()


async def test_who_shakes_hands_with_a_worker_that_retires_is_served(
    serve: Serve, certificate: Certificate
) -> None:
    served = await serve("implicit", limits=ListenLimits(connections=1))
    async with served.connect() as client, served.connect() as next_one:
        assert await next_one.rest() == b""  # so the first was accepted
        retiring = asyncio.create_task(served.listener.retire(10.0))
        await client.start_tls(certificate.client_context())
        assert await client.codes(1) == ["220"]
        assert (await client.say("QUIT"))[0].startswith("221")
        await retiring


async def test_tls_before_1_2_is_refused(serve: Serve, certificate: Certificate) -> None:
    served = await serve("implicit")
    context = certificate.client_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError):
        async with served.connect(context):
            pass
