"""Tickets that are put aside, and how they come back: by time, by their customers, never by machines."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from mailproc.desk.claim import claim
from mailproc.desk.clock import tick
from mailproc.desk.gesture import Gesture, perform
from mailproc.desk.snooze import MOST_NOTICES, snooze
from mailproc.model.folder import NEW, shelf
from mailproc.model.ticket import State, Ticket
from mailproc.store.protocol import Transaction
from tests.unit.desk.agents_desk import (
    again,
    answer,
    hand_in,
    notices,
    open_ticket,
    reply_address,
    the_ticket,
)
from tests.unit.desk.office import Office, desk, mail

DAY = 86_400.0
YEARS = 3653 * DAY
AUTOMATIC = "Auto-Submitted: auto-replied\nIn-Reply-To: <one@customer.example>"


async def asleep(office: Office, until: float, *, agent: str = "alice") -> Ticket:
    """A ticket that an agent took and put aside until a time."""
    ticket = await open_ticket(office)
    return await put_aside(office, ticket, until, agent=agent)


async def put_aside(office: Office, ticket: Ticket, until: float, *, agent: str = "alice") -> Ticket:
    def work(tx: Transaction) -> Ticket:
        held = claim(tx, desk(), ticket, agent=agent, now=office.clock.now) if agent else ticket
        return snooze(tx, held, until=until, who=agent or "folder", now=office.clock.now)

    return await office.store.write(work)


async def many_asleep(office: Office, count: int, until: float) -> None:
    for number in range(count):
        await office.receive(mail(subject=f"No {number}", message_id=f"<{number}@customer.example>"))
    for ticket in await office.tickets():
        await put_aside(office, ticket, until)


async def test_what_waits_for_an_answer_sleeps_until_the_customer_writes(office: Office) -> None:
    await asleep(office, math.inf)
    assert await tick(office.store, office.site, office.clock.now + YEARS) == 0
    await office.receive(again(office, await the_ticket(office), "<two@customer.example>"))
    ticket = await the_ticket(office)
    assert (ticket.state, ticket.owner) == (State.CLAIMED, "alice")


async def test_a_machine_wakes_nothing(office: Office) -> None:
    await asleep(office, math.inf)
    await office.receive(mail(message_id="<auto@customer.example>", extra=AUTOMATIC))
    assert (await the_ticket(office)).state is State.SNOOZED


async def test_the_owner_is_reminded_when_the_time_has_come(office: Office) -> None:
    ticket = await asleep(office, office.clock.now + DAY)
    await tick(office.store, office.site, office.clock.now + DAY)
    (notice,) = await notices(office)
    assert notice.subject == f"Awake: ticket {ticket.number}"
    assert "Printer on fire" in notice.text
    assert notice.header("auto-submitted") == "auto-generated"


async def test_what_wakes_by_time_lies_on_top_again(office: Office) -> None:
    ticket = await asleep(office, office.clock.now + DAY)
    await tick(office.store, office.site, office.clock.now + DAY)
    shown = await office.store.read(lambda tx: tx.folders.shown("support", ticket.id))
    assert shown is not None
    assert [copy.name[0] for copy in shown.copies] == ["l"]  # laid again: the first copy goes


async def test_nobody_is_reminded_when_the_customer_was_faster(office: Office) -> None:
    ticket = await asleep(office, office.clock.now + DAY)
    await office.receive(again(office, ticket, "<two@customer.example>"))
    assert await tick(office.store, office.site, office.clock.now + 2 * DAY) == 0
    assert await notices(office) == []


async def test_a_ticket_that_nobody_holds_wakes_to_everybody_and_nobody_is_told(office: Office) -> None:
    await asleep(office, office.clock.now + DAY, agent="")
    await tick(office.store, office.site, office.clock.now + DAY)
    assert (await the_ticket(office)).state is State.NEW
    assert await notices(office) == []


async def test_after_a_week_down_one_mail_tells_of_all_that_woke(office: Office) -> None:
    await many_asleep(office, MOST_NOTICES + 2, office.clock.now + DAY)
    assert await tick(office.store, office.site, office.clock.now + 7 * DAY) == MOST_NOTICES + 2
    (notice,) = await notices(office)
    assert notice.subject == f"Awake: {MOST_NOTICES + 2} tickets"
    assert all(ticket.number in notice.text for ticket in await office.tickets())


@pytest.mark.parametrize("jump", [0.0, 3600.0, YEARS])
async def test_whatever_the_clock_does_each_owner_is_reminded_once(office: Office, jump: float) -> None:
    await many_asleep(office, 2, office.clock.now + DAY)
    then = office.clock.now + DAY
    for now in (then + jump, then + jump, then - 2 * YEARS, then, then + YEARS):
        await tick(office.store, office.site, now)
    assert len(await notices(office)) == 2


async def test_a_ticket_put_aside_again_is_reminded_of_again(office: Office) -> None:
    ticket = await asleep(office, office.clock.now + DAY)
    await tick(office.store, office.site, office.clock.now + DAY)
    office.clock.now += DAY
    await put_aside(office, await the_ticket(office), office.clock.now + DAY)
    await tick(office.store, office.site, office.clock.now + DAY)
    assert [notice.subject for notice in await notices(office)] == [f"Awake: ticket {ticket.number}"] * 2


# The same by every way


def dragged(place: str) -> Callable[[Transaction, Office, Ticket], object]:
    def work(tx: Transaction, office: Office, ticket: Ticket) -> object:
        return perform(tx, office.site, desk(), ticket, Gesture(NEW, shelf(place), "1"), office.clock.now)

    return work


async def test_a_move_to_the_shelf_for_answers_waits_for_the_customer(office: Office) -> None:
    ticket = await open_ticket(office)
    await office.store.write(lambda tx: dragged("answer")(tx, office, ticket))
    assert (await office.events(ticket))[-1].detail == "until the customer answers"
    assert await tick(office.store, office.site, office.clock.now + YEARS) == 0


async def test_the_shelf_shows_how_long_a_ticket_sleeps(office: Office) -> None:
    ticket = await asleep(office, math.inf)
    shown = await office.store.read(lambda tx: tx.folders.shown("support", ticket.id))
    assert shown is not None
    assert shown.place == "snoozed/answer"


async def test_a_command_puts_aside_until_the_customer_answers(office: Office) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket), text="#snooze answer"))
    now = await the_ticket(office)
    assert now.state is State.SNOOZED
    assert "until the customer answers" in (await notices(office))[-1].text
