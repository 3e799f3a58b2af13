"""A4: a service that mails a code to a desk's address tells it to the team, and to nobody outside."""

from __future__ import annotations

import pytest

from tests.attacks.victim import EVE, carlas_ticket, from_eve, received, sent_to
from tests.unit.desk.agents_desk import ask, reply_address, what_happened
from tests.unit.desk.office import Office

CODE = "831905"
SERVICE = "no-reply@workspace.example"


async def code_arrives(office: Office, to: str) -> None:
    await from_eve(
        office,
        to=[to],
        envelope=SERVICE,
        sender=f"Workspace <{SERVICE}>",
        subject=f"Your code is {CODE}",
        message_id="<code@workspace.example>",
        text=f"Enter {CODE} to join example.org.",
    )


@pytest.mark.parametrize("number", ["right", "next"])
async def test_a04_a_code_to_a_guessed_address_joins_no_ticket_and_is_repeated_to_nobody(
    office: Office, number: str
) -> None:
    ticket = await carlas_ticket(office)
    guess = ticket.number if number == "right" else str(int(ticket.number) + 1)
    before = await office.outgoing()
    await code_arrives(office, f"support+{guess}@example.org")
    assert len(await received(office, ticket)) == 1
    assert await office.outgoing() == before


async def test_a04_a_code_to_the_attackers_own_ticket_is_told_to_agents_only(office: Office) -> None:
    """The attacker has a ticket, so its address too, and gives that to the service."""
    await office.receive(ask(sender=EVE), sender=EVE)
    (ticket,) = await office.tickets()
    (acknowledgement,) = await sent_to(office, EVE)
    assert acknowledgement.reply_to is not None
    assert str(acknowledgement.reply_to.address) == reply_address(office, ticket)
    await code_arrives(office, reply_address(office, ticket))

    assert len(await received(office, ticket)) == 2
    assert "newcomer" in await what_happened(office, ticket)
    assert len(await office.outgoing()) == 1
    await office.receive(ask("Any news?", message_id="<again@evil.example>", sender=EVE), sender=EVE)
    assert CODE not in "".join(mail.raw.decode() for mail in await sent_to(office, EVE))
