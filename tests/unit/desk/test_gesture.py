"""Moves in the folder that need more than a ticket: delayed answers, spam's grace, claims that expire."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailproc.desk.claim import claim
from mailproc.desk.clock import tick
from mailproc.desk.close import mark_spam, unmark_spam
from mailproc.desk.gesture import Gesture, perform
from mailproc.desk.train import GRACE
from mailproc.model.folder import Place
from mailproc.model.ticket import State, Ticket
from mailproc.store.protocol import Transaction
from tests.unit.desk.office import MakeOffice, Office, desk, mail

HOUR = 3600.0


async def one_ticket(office: Office) -> Ticket:
    await office.receive(mail())
    (ticket,) = await office.tickets()
    return ticket


async def move(office: Office, source: str, target: str) -> bool:
    (ticket,) = await office.tickets()
    gesture = Gesture(Place(source), Place(target), "m1:1")
    return await office.store.write(
        lambda tx: perform(tx, office.site, office.desks[0], ticket, gesture, office.clock.now)
    )


async def learnt(office: Office) -> list[str]:
    """What the ticket's mails are known as."""

    def look(tx: Transaction) -> list[str]:
        found = [tx.tokens.learnt(message.sha256) for message in tx.tickets.messages(1)]
        return [each[0] for each in found if each is not None]

    return await office.store.read(look)


@pytest.mark.parametrize("target", ["@alice", "@bob"])
async def test_into_an_agents_folder_is_told_by_his_name(office: Office, target: str) -> None:
    ticket = await one_ticket(office)
    assert await move(office, "new", target)
    assert (await office.events(ticket))[-1].who == target[1:]


async def test_any_other_move_is_told_of_the_folder(office: Office) -> None:
    ticket = await one_ticket(office)
    assert await move(office, "new", "closed")
    assert (await office.events(ticket))[-1].who == "folder"


async def test_who_lost_a_claim_is_told_once_for_each_move(office: Office) -> None:
    ticket = await one_ticket(office)
    await office.store.write(
        lambda tx: claim(tx, office.desks[0], ticket, agent="alice", now=office.clock.now)
    )
    for _ in range(2):
        assert not await move(office, "new", "@bob")
    notices = [item for item in await office.outgoing() if item.kind.value == "notice"]
    assert [notice.recipients[0].address for notice in notices] == ["bob@example.org"]
    assert b"held by alice" in notices[0].content


async def test_spam_is_learnt_when_the_grace_is_over(office: Office) -> None:
    await one_ticket(office)
    assert await move(office, "new", "spam")
    assert await tick(office.store, office.site, office.clock.now + GRACE - 1) == 0
    assert await learnt(office) == []
    assert await tick(office.store, office.site, office.clock.now + GRACE) == 1
    assert await learnt(office) == ["spam"]
    assert await tick(office.store, office.site, office.clock.now + 9 * GRACE) == 0


async def test_what_is_taken_back_within_the_grace_is_not_learnt(office: Office) -> None:
    await one_ticket(office)
    assert await move(office, "new", "spam")
    assert await move(office, "spam", "new")
    assert await tick(office.store, office.site, office.clock.now + 2 * GRACE) == 0
    assert await learnt(office) == []


async def test_out_of_spam_is_learnt_as_ham(office: Office) -> None:
    await one_ticket(office)
    assert await move(office, "new", "spam")
    await tick(office.store, office.site, office.clock.now + GRACE)
    assert await move(office, "spam", "@bob")
    await tick(office.store, office.site, office.clock.now + GRACE)
    assert await learnt(office) == ["ham"]
    (ticket,) = await office.tickets()
    assert (ticket.state, ticket.owner) == (State.CLAIMED, "bob")


async def test_the_command_line_teaches_as_the_folder_does(office: Office) -> None:
    ticket = await one_ticket(office)
    spam = await office.store.write(lambda tx: mark_spam(tx, ticket, who="alice", now=office.clock.now))
    await tick(office.store, office.site, office.clock.now + GRACE)
    assert await learnt(office) == ["spam"]
    await office.store.write(lambda tx: unmark_spam(tx, spam, who="alice", now=office.clock.now))
    await tick(office.store, office.site, office.clock.now + GRACE)
    assert await learnt(office) == ["ham"]


async def test_a_claim_without_activity_expires_with_a_note(make_office: MakeOffice) -> None:
    office = await make_office(replace(desk(), claim_expires=4 * HOUR))
    ticket = await one_ticket(office)
    await move(office, "new", "@alice")
    claimed_at = office.clock.now
    assert await tick(office.store, office.site, claimed_at + 4 * HOUR - 1) == 0
    assert await tick(office.store, office.site, claimed_at + 4 * HOUR + 1) == 1
    (now,) = await office.tickets()
    assert (now.state, now.owner) == (State.NEW, "")
    event = (await office.events(ticket))[-1]
    assert (event.what, event.who) == ("claim_expired", "mailproc")
    assert "alice" in event.detail


async def test_a_claim_lasts_where_nothing_expires(office: Office) -> None:
    await one_ticket(office)
    await move(office, "new", "@alice")
    assert await tick(office.store, office.site, office.clock.now + 10**9) == 0
