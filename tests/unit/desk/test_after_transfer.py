"""Customers go on writing to the desk that they wrote to: their mail joins the ticket where it is now."""

from __future__ import annotations

import pytest

from mailproc.desk.claim import claim
from mailproc.desk.transfer import transfer
from mailproc.model.ticket import State, Ticket
from mailproc.store.protocol import Transaction
from tests.unit.desk.office import MakeOffice, Office, desk, mail

SALES = ("sales@example.org",)


async def handed_over(make_office: MakeOffice) -> tuple[Office, Ticket]:
    """A ticket that came to support, and that bob of sales has."""
    office = await make_office(desk("support"), desk("sales"))
    await office.receive(mail())
    (ticket,) = await office.tickets()

    def work(tx: Transaction) -> Ticket:
        moved = transfer(tx, ticket, desk("sales"), who="alice", now=office.clock.now)
        return claim(tx, desk("sales"), moved, agent="bob", now=office.clock.now)

    return office, await office.store.write(work)


async def joined(office: Office, ticket: Ticket) -> list[str]:
    """The Message-IDs of the customer's mails in the only ticket there is."""
    (now,) = await office.tickets()
    assert (now.id, now.desk, now.owner) == (ticket.id, "sales", "bob")
    messages = await office.messages(now)
    assert {message.desk for message in messages} == {"sales"}
    return [message.message_id for message in messages]


async def test_an_answer_to_our_mail_from_before_joins(make_office: MakeOffice) -> None:
    office, ticket = await handed_over(make_office)
    (acknowledged,) = await office.outgoing()
    ours = next(line for line in acknowledged.content.decode().splitlines() if line.startswith("Message-ID"))
    named = f"In-Reply-To: {ours.partition(' ')[2]}"
    await office.receive(mail(subject="Re: Printer", message_id="<two@customer.example>", extra=named))
    assert await joined(office, ticket) == ["<one@customer.example>", "<two@customer.example>"]


@pytest.mark.parametrize("where", [("support@example.org",), SALES])
async def test_a_further_mail_on_his_own_joins_at_either_desk(
    make_office: MakeOffice, where: tuple[str, ...]
) -> None:
    office, ticket = await handed_over(make_office)
    named = "In-Reply-To: <one@customer.example>"
    await office.receive(mail(message_id="<two@customer.example>", to=where[0], extra=named), to=where)
    named = "In-Reply-To: <two@customer.example>"
    await office.receive(mail(message_id="<three@customer.example>", to=SALES[0], extra=named), to=SALES)
    found = await joined(office, ticket)
    assert found == [f"<{number}@customer.example>" for number in ("one", "two", "three")]


async def test_a_tag_in_the_subject_joins(make_office: MakeOffice) -> None:
    office, ticket = await handed_over(make_office)
    tag = office.site.keyring.tag(ticket.number)
    await office.receive(mail(subject=f"Re: {tag} Printer", message_id="<two@customer.example>"))
    assert await joined(office, ticket) == ["<one@customer.example>", "<two@customer.example>"]


async def test_the_same_mail_again_is_a_duplicate(make_office: MakeOffice) -> None:
    office, ticket = await handed_over(make_office)
    await office.receive(mail(extra="Received: by another way"))
    assert (await office.events(ticket))[-1].what == "duplicate"
    assert len(await office.tickets()) == 1


async def test_a_ticket_that_never_was_at_a_desk_is_only_linked(make_office: MakeOffice) -> None:
    office = await make_office(desk("support"), desk("sales"))
    await office.receive(mail(to=SALES[0]), to=SALES)
    (ticket,) = await office.tickets()
    tag = office.site.keyring.tag(ticket.number)
    await office.receive(mail(subject=f"Re: {tag} Printer", message_id="<two@customer.example>"))
    found = {each.desk: each.state for each in await office.tickets()}
    assert found == {"sales": State.NEW, "support": State.NEW}
