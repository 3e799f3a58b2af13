"""The holes that were published of the libraries in use, tried against what mailproc makes of them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path

import pytest

from mailproc.listen.tls import server_context
from mailproc.mime.reader import read
from mailproc.model.outbox import Fate
from mailproc.outbox.relay import Relay, RelaySettings
from tests.attacks.victim import EVE, answered_ticket
from tests.rig.certificate import make_certificate
from tests.rig.office import ServedOffice
from tests.rig.scripted_relay import ScriptedRelay
from tests.unit.desk.agents_desk import CARLA, answer, hand_in
from tests.unit.desk.office import Office, mail

LOGIN = "AUTH PLAIN " + b64encode(b"\0alice\0secret of alice").decode()
FALSE_ENDS = (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\0\r\n.\n")


@pytest.fixture
async def relay() -> AsyncIterator[ScriptedRelay]:
    relay = ScriptedRelay({}, tls=None, implicit_tls=False)
    await relay.start()
    yield relay
    await relay.stop()


# aiosmtpd


@pytest.mark.parametrize("end", FALSE_ENDS)
async def test_aiosmtpd_cve_2024_27305_a_mail_ends_only_where_it_ends(end: bytes) -> None:
    """CVE-2024-27305: a second mail was smuggled behind a line end that is none (as CVE-2023-51764/5/6)."""
    served = await ServedOffice.start()
    smuggled = b"MAIL FROM:<alice@example.org>\r\nRCPT TO:<ann@customer.example>\r\nDATA\r\nspam\r\n"
    try:
        async with served.connect() as client:
            await client.greet("EHLO")
            await client.say(LOGIN)
            await client.begin("ann@customer.example", sender="<alice@example.org>")
            await client.send(b"Subject: one\r\n\r\nhello" + end + smuggled + b".\r\n")
            assert await client.codes(1) == ["250"]
            assert await client.say("NOOP") == ["250 2.0.0 Ok"]  # and nothing else was answered
        (taken,) = served.desks.taken
        assert smuggled in taken.raw
    finally:
        await served.listener.stop(0.0)


async def test_aiosmtpd_cve_2024_34083_what_came_before_tls_is_forgotten(tmp_path: Path) -> None:
    """CVE-2024-34083 (PYSEC-2026-1111): commands in the packet of STARTTLS were done under TLS."""
    certificate = make_certificate(tmp_path)
    served = await ServedOffice.start(tls=server_context(certificate.certificate, certificate.key))
    try:
        async with served.connect() as client:
            await client.greet("EHLO")
            await client.send(f"STARTTLS\r\nEHLO evil\r\n{LOGIN}\r\nNOOP\r\n".encode())
            assert await client.codes(1) == ["220"]
            await client.start_tls(certificate.client_context())
            assert await client.say("MAIL FROM:<alice@example.org>") == ["503 5.5.1 Send the greeting first"]
        assert served.prover.asked == []
    finally:
        await served.listener.stop(0.0)


def test_aiosmtpd_is_not_older_than_its_repairs() -> None:
    assert tuple(map(int, version("aiosmtpd").split(".")[:3])) >= (1, 4, 6)


# aiosmtplib


@pytest.mark.parametrize("place", ["sender", "recipient"])
@pytest.mark.parametrize(
    "address",
    [
        "ann@example.com>\r\nRCPT TO:<eve@evil.example",
        "ann@example.com\r\nDATA\r\nspam\r\n.",
        "ann@example.com\nRSET",
        "ann@example.com\rRSET",
        '"ann\r\nRSET"@example.com',
        "ann@example.com> ORCPT=rfc822;x\r\nRSET",
        "ann@example.com\0",
        "ann@example.com\u2028RSET",
    ],
)
async def test_aiosmtplib_pysec_2026_2338_no_address_becomes_a_command(
    relay: ScriptedRelay, address: str, place: str
) -> None:
    """PYSEC-2026-2338: CR and LF in an address were sent to the server as they were."""
    client = Relay(RelaySettings(host="127.0.0.1", port=relay.port, hostname="mail.example.org"), None)
    sender, recipient = (address, "ann@example.com") if place == "sender" else ("me@example.org", address)
    try:
        results = await client.deliver(sender, [recipient], b"Subject: x\r\n\r\nx\r\n")
    finally:
        await client.close()
    assert results[recipient].fate is Fate.REFUSED
    assert relay.commands == []


# CPython

CONFUSING = (
    "alice@example.org)eve@evil.example",
    "alice@example.org,(<eve@evil.example>)",
    "alice@example.org <eve@evil.example>",
    '"alice@example.org" <eve@evil.example>',
    "<alice@example.org> <eve@evil.example>",
    "alice@example.org]eve@evil.example",
    "alice(@example.org)@evil.example",
    "eve@evil.example(alice@example.org)",
    "alice@example.org:<eve@evil.example>;",
    "=?utf-8?q?alice=40example.org?= <eve@evil.example>",
)
NAMES = CONFUSING[2:4] + CONFUSING[7:]  # where only the name says alice


async def test_cpython_cve_2023_27043_an_address_is_nobodys_because_of_what_stands_beside_it(
    office: Office,
) -> None:
    """CVE-2023-27043: parseaddr took what stood before a special character for the address."""
    for number, spelling in enumerate(NAMES):
        raw = answer(to=CARLA, answers="", sender=spelling, message_id=f"<{number}@laptop.example>")
        (author,) = read(raw).authors
        assert str(author.address) == EVE, spelling
        assert (await hand_in(office, "alice", raw, sender="alice@example.org")).code == 550, spelling


async def test_cpython_cve_2023_27043_what_was_proved_for_one_author_counts_for_no_other(
    office: Office,
) -> None:
    """The mail server, which reads From in its own way, vouched for evil.example."""
    await answered_ticket(office)
    vouched = b"Authentication-Results: mail.example.org; dmarc=pass header.from=evil.example\r\n"
    for number, spelling in enumerate(CONFUSING):
        sender = spelling.replace("alice@example.org", CARLA).replace("alice(", "carla(")
        await office.receive(vouched + mail(sender=sender, message_id=f"<{number}@evil.example>"), sender=EVE)
    carla = await office.store.read(lambda tx: tx.authors.get("support", CARLA))
    eve = await office.store.read(lambda tx: tx.authors.get("support", EVE))
    assert carla.aligned == 0
    assert eve.aligned >= len(NAMES)
