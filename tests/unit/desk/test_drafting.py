"""Which ticket a draft is to, and what becomes of the ticket."""

from __future__ import annotations

import pytest

from mailproc.desk.claim import assign
from mailproc.desk.drafting import heed, let_go, ticket_of_draft
from mailproc.model.ticket import State, Ticket
from tests.unit.desk.agents_desk import FIRST, again, answer, hand_in, notices, reply_address, the_ticket
from tests.unit.desk.agents_desk import open_ticket as opened
from tests.unit.desk.office import Office


async def heeded(office: Office, ticket: Ticket, agent: str = "alice", *, ago: float = 0.0) -> Ticket:
    """An agent's draft, saved so many seconds ago, was seen."""
    office.clock.now += 1
    now = office.clock.now
    await office.store.write(lambda tx: heed(tx, office.site, agent, {ticket.id: now - ago}, now))
    return await the_ticket(office)


async def gone(office: Office, ticket: Ticket, agent: str = "alice") -> Ticket:
    await office.store.write(lambda tx: let_go(tx, agent, [ticket.id], office.clock.now))
    return await the_ticket(office)


async def told_of(office: Office, header: str, agent: str = "alice") -> int | None:
    raw = f"{header}\r\n\r\n".encode()
    return await office.store.read(lambda tx: ticket_of_draft(tx, office.site, agent, raw))


async def test_a_draft_is_to_the_ticket_whose_mail_or_address_it_names(office: Office) -> None:
    ticket = await opened(office)
    assert await told_of(office, f"In-Reply-To: {FIRST}") == ticket.id
    assert await told_of(office, f"References: <zero@x.example> {FIRST}") == ticket.id
    assert await told_of(office, f"To: {reply_address(office, ticket)}") == ticket.id
    assert await told_of(office, f"Cc: a@x.example, {reply_address(office, ticket)}") == ticket.id


@pytest.mark.parametrize(
    "header",
    [
        "",
        "To: friend@x.example",
        "To: support@example.org",
        "To: support+17.aaaaaaaaaa@example.org",
        "In-Reply-To: <unknown@x.example>",
        "To: broken <<>\r\nIn-Reply-To: (",
    ],
)
async def test_any_other_mail_is_none_of_our_business(office: Office, header: str) -> None:
    await opened(office)
    assert await told_of(office, header) is None


async def test_a_draft_of_somebody_who_is_no_agent_of_the_desk_says_nothing(office: Office) -> None:
    await opened(office)
    assert await told_of(office, f"In-Reply-To: {FIRST}", "mallory") is None


async def test_a_lock_is_a_claim_and_goes_with_the_draft(office: Office) -> None:
    ticket = await heeded(office, await opened(office))
    assert (ticket.state, ticket.owner) == (State.CLAIMED, "alice")
    ticket = await gone(office, ticket)
    assert (ticket.state, ticket.owner) == (State.NEW, "")
    whats = [event.what for event in await office.events(ticket)]
    assert whats[-4:] == ["claimed", "drafting", "released", "draft_gone"]


async def test_a_claim_by_hand_outlives_the_draft(office: Office) -> None:
    ticket = await opened(office)
    desk = office.desks[0]
    await office.store.write(lambda tx: assign(tx, desk, ticket, agent="alice", who="alice", now=1.0))
    assert (await gone(office, await heeded(office, ticket))).owner == "alice"


async def test_a_follow_up_does_not_make_a_lock_last(office: Office) -> None:
    ticket = await heeded(office, await opened(office))
    await office.receive(again(office, ticket, "<two@customer.example>"))
    assert (await gone(office, ticket)).owner == ""


async def test_an_answer_outlives_its_draft(office: Office) -> None:
    ticket = await heeded(office, await opened(office))
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    assert (await gone(office, ticket)).state is State.ANSWERED


async def test_a_held_answer_keeps_the_lock(office: Office) -> None:
    ticket = await heeded(office, await opened(office))
    await office.receive(again(office, ticket, "<two@customer.example>"))
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    assert (await gone(office, ticket)).owner == "alice"


async def test_of_two_who_draft_the_second_is_told_once_and_locks_nothing(office: Office) -> None:
    ticket = await heeded(office, await opened(office))
    for _ in range(2):
        ticket = await heeded(office, ticket, "bob")
    assert ticket.owner == "alice"
    (notice,) = await notices(office, "bob")
    assert notice.subject == f"alice has ticket {ticket.number}"
    assert "Alice (alice) works on it since 2026-" in notice.text
    assert await notices(office) == []
    assert (await gone(office, ticket, "bob")).owner == "alice"


async def test_saving_a_draft_keeps_the_claim_from_expiring(office: Office) -> None:
    ticket = await heeded(office, await opened(office))
    office.clock.now += 3600
    assert (await heeded(office, ticket)).updated > ticket.updated
