"""A2: a Message-ID is believed by its MAC, or because we know the mail; nothing that looks like one is."""

from __future__ import annotations

import hmac

import pytest

from mailproc.model.mac import Keyring
from tests.attacks.victim import answered_ticket, answers, from_eve, now, received
from tests.unit.desk.office import Office

FORMS = {
    "wrong MAC": "<{number}.7.aaaaaaaaaa@mail.example.org>",
    "no MAC": "<{number}.7@mail.example.org>",
    "empty MAC": "<{number}.7.@mail.example.org>",
    "MAC cut short": "<{number}.7.{cut}@mail.example.org>",
    "MAC of the tag": "<{number}.7.{tag}@mail.example.org>",
    "MAC of the reply address": "<{number}.7.{reply}@mail.example.org>",
    "MAC of another mail of ours": "<{number}.7.{id}@mail.example.org>",
    "MAC of a copy in the folder": "<m{row}.{folder}@mail.example.org>",
    "a number alone": "<{number}@mail.example.org>",
    "as others write them": "<ticket-{number}-1@mail.example.org>",
    "an agent's": "<notify-{number}-alice@mail.example.org>",
}


def forged(office: Office, form: str, number: str) -> str:
    keyring, desk = office.site.keyring, office.desks[0]
    mac_of_id = keyring.message_id(number, 1, "x").partition("@")[0].rpartition(".")[2]
    return FORMS[form].format(
        number=number,
        row=1,
        id=mac_of_id,
        cut=keyring.message_id(number, 7, "x").partition("@")[0].rpartition(".")[2][:-1],
        tag=keyring.tag(number).rpartition("-")[2].rstrip("]"),
        reply=str(keyring.reply_address(desk, number)).partition("@")[0].rpartition(".")[2],
        folder=keyring.folder_id("m1").rpartition(".")[2],
    )


@pytest.mark.parametrize("field", ["In-Reply-To", "References", "Message-ID"])
async def test_a02_an_id_without_its_mac_joins_nothing(office: Office, field: str) -> None:
    ticket = await answered_ticket(office)
    for number, form in enumerate(FORMS):
        message_id = forged(office, form, ticket.number)
        if field == "Message-ID":
            await from_eve(office, message_id=message_id)
        else:
            await from_eve(office, message_id=f"<{number}@evil.example>", extra=f"{field}: {message_id}")
        assert len(await received(office, ticket)) == 1, form
    assert await now(office, ticket) == ticket
    assert len(await answers(office)) == 1


async def test_a02_the_right_mac_would_have_joined(office: Office) -> None:
    """That the test above tries the right thing."""
    ticket = await answered_ticket(office)
    right = office.site.keyring.message_id(ticket.number, 7, "mail.example.org")
    await from_eve(office, extra=f"In-Reply-To: {right}")
    assert len(await received(office, ticket)) == 2


def test_a02_macs_are_compared_in_constant_time_with_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = Keyring((*Keyring.generate(bytes(range(32))).keys, *Keyring.generate(bytes(32)).keys))
    compared: list[int] = []

    def counting(one: bytes, other: bytes) -> bool:
        compared.append(len(other))
        return one == other

    right = keyring.folder_id("m1")
    monkeypatch.setattr(hmac, "compare_digest", counting)
    assert keyring.read_folder_id(right) == "m1"
    assert keyring.read_folder_id("m1.aaaaaaaaaa") is None
    assert compared == [10, 10, 10, 10]
