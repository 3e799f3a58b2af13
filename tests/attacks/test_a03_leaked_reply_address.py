"""A3: who learns a ticket's address may write to it, as a newcomer; it gives no right and shows nothing."""

from __future__ import annotations

from mailproc.model.follow_up import Role
from mailproc.model.ticket import State
from tests.attacks.victim import EVE, answers, carlas_ticket, from_eve, now, received, roles, sent_to
from tests.unit.desk.agents_desk import answer, hand_in, reply_address, what_happened
from tests.unit.desk.office import Office

MAL = "mal@evil.example"


async def test_a03_a_third_person_joins_as_a_newcomer_and_gets_nothing(office: Office) -> None:
    ticket = await carlas_ticket(office)
    await from_eve(office, to=[reply_address(office, ticket)], extra=f"Cc: {MAL}", text="#close\r\n#take")

    assert len(await received(office, ticket)) == 2
    assert "newcomer" in await what_happened(office, ticket)
    found = await roles(office, ticket)
    assert (found[EVE], found[MAL]) == (Role.NEW, Role.NEW)
    assert (await now(office, ticket)).state is State.NEW
    assert await sent_to(office, EVE) == []
    assert await sent_to(office, MAL) == []


async def test_a03_the_next_answer_goes_to_the_customer_alone(office: Office) -> None:
    """Also where the newest mail in the ticket, which the agent replies to, is the newcomer's."""
    ticket = await carlas_ticket(office)
    to = reply_address(office, ticket)
    await from_eve(office, to=[to], extra=f"Cc: {MAL}")
    raw = answer(to=to, answers="<evil@evil.example>")
    assert (await hand_in(office, "alice", raw)).code == 250

    (item,) = [item for item in await office.outgoing() if item.message]
    assert [each.address for each in item.recipients] == [ticket.customer]
    assert await sent_to(office, MAL) == []
    (sent,) = await answers(office)
    assert sent.cc == ()
