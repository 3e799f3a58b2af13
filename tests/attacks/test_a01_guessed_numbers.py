"""A1: whoever guesses ticket numbers gets into no ticket, learns nothing, and is noticed."""

from __future__ import annotations

import logging
import random

import pytest

from tests.attacks.victim import EVE, SECRET, carlas_ticket, from_eve, received, sent_to
from tests.unit.desk.agents_desk import ask
from tests.unit.desk.office import START, Office, mail

GUESSES = 10_000
TICKETS = 10  # and as many tags as are read of one subject
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


async def test_a01_ten_thousand_guesses_join_nothing_and_raise_the_alarm(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(TICKETS):
        await office.receive(ask(SECRET, message_id=f"<{number}@customer.example>"))
    victims = await office.tickets()
    rng = random.Random(7)
    for number in range(GUESSES // TICKETS // 5):
        tags = [f"[T#{ticket.number}-{guess(rng, 6)}]" for ticket in victims]
        to = [f"support+{ticket.number}.{guess(rng, 10)}@example.org" for ticket in victims * 4]
        raw = mail(
            subject=" ".join(tags), sender=EVE, to=", ".join(to), message_id=f"<{number}@evil.example>"
        )
        await office.intake.accept(None, [office.desks[0].address], raw)
    with caplog.at_level(logging.ERROR, "mailproc.filing"):
        await office.processor.drain()

    assert [len(await received(office, ticket)) for ticket in victims] == [1] * TICKETS
    assert "somebody guesses ticket numbers" in caplog.text
    counted = await office.store.read(lambda tx: list(tx.threads.mac_failures(START - 1)))
    assert counted == [("support", EVE, GUESSES)]


def guess(rng: random.Random, letters: int) -> str:
    return "".join(rng.choices(LETTERS, k=letters))


@pytest.mark.parametrize("form", ["subject", "address"])
async def test_a01_the_number_alone_is_a_hint_for_agents(office: Office, form: str) -> None:
    ticket = await carlas_ticket(office)
    to = f"support+{ticket.number}@example.org" if form == "address" else "support@example.org"
    await from_eve(office, to=[to], subject=f"Re: [T#{ticket.number}]" if form == "subject" else "Hello")

    assert len(await received(office, ticket)) == 1
    opened = (await office.tickets())[-1]
    links = await office.store.read(lambda tx: tx.history.links(opened.id))
    assert [other for other, _ in links] == [ticket.number]
    (acknowledgement,) = await sent_to(office, EVE)
    assert ticket.number not in acknowledgement.raw.decode()
    assert SECRET not in acknowledgement.text
