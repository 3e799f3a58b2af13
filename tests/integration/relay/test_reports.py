"""Reports about what became of a mail are asked for where the relay can give them (RFC 3461)."""

from __future__ import annotations

import pytest

from mailproc.outbox.session import xtext
from tests.rig.relaying import ANN, BOB, FROM, MAIL, MakeRelay, MakeScripted

DSN = ("8BITMIME", "SMTPUTF8", "DSN")
ID = "<17.1.abcdefghij@mail.example.org>"


async def test_failures_and_delays_are_asked_for_by_recipient(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted(extensions=DSN)
    await relay_to(peer).deliver(FROM, [ANN, BOB], MAIL, envelope_id=ID)
    assert peer.commands[1:4] == [
        f"MAIL FROM:<{FROM}> RET=HDRS ENVID={ID}",
        f"RCPT TO:<{ANN}> NOTIFY=FAILURE,DELAY ORCPT=rfc822;{ANN}",
        f"RCPT TO:<{BOB}> NOTIFY=FAILURE,DELAY ORCPT=rfc822;{BOB}",
    ]


async def test_a_relay_without_dsn_is_asked_for_nothing(scripted: MakeScripted, relay_to: MakeRelay) -> None:
    peer = await scripted(extensions=("8BITMIME",))
    await relay_to(peer).deliver(FROM, [ANN], MAIL, envelope_id=ID)
    assert peer.commands[1:3] == [f"MAIL FROM:<{FROM}>", f"RCPT TO:<{ANN}>"]


async def test_nothing_is_asked_for_where_no_report_could_go(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted(extensions=DSN)
    await relay_to(peer).deliver("", [ANN], MAIL, envelope_id=ID)
    assert peer.commands[1:3] == ["MAIL FROM:<>", f"RCPT TO:<{ANN}>"]


async def test_an_international_recipient_has_no_original_address(
    scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted(extensions=DSN)
    await relay_to(peer).deliver(FROM, ["büro@example.com"], MAIL, envelope_id=ID)
    assert peer.commands[2] == "RCPT TO:<büro@example.com> NOTIFY=FAILURE,DELAY"


@pytest.mark.parametrize("envelope_id", ["", "<" + "x" * 100 + "@a>", "<ü@a>"])
async def test_an_id_that_does_not_fit_is_left_out(
    envelope_id: str, scripted: MakeScripted, relay_to: MakeRelay
) -> None:
    peer = await scripted(extensions=DSN)
    await relay_to(peer).deliver(FROM, [ANN], MAIL, envelope_id=envelope_id)
    assert peer.commands[1] == f"MAIL FROM:<{FROM}> RET=HDRS"


def test_xtext_holds_no_space_and_no_line_end() -> None:
    assert xtext("a+b=c d\r\nRCPT TO:<x>") == b"a+2Bb+3Dc+20d+0D+0ARCPT+20TO:<x>"
