"""Agents who are absent: their claims are released, nothing is assigned to them, and they come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mailproc.desk.absence import FRESH, read_absences, set_absent, set_present
from mailproc.desk.change import Refused
from mailproc.desk.claim import assign
from mailproc.desk.clock import tick
from mailproc.desk.snooze import snooze
from mailproc.model.absence import FOREVER, AgentAbsence, Origin
from mailproc.model.assignment import Profile
from mailproc.model.calendar import Calendar
from mailproc.model.hours import make_week, parse_hours
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
    what_happened,
)
from tests.unit.desk.office import MakeOffice, Office, desk, mail

DAY = 86_400.0
ROUTED = ("automatic", "ticket", "route")


def today(office: Office) -> date:
    return datetime.fromtimestamp(office.clock.now, UTC).date()


async def absent(office: Office, first: date, last: date = FOREVER, agent: str = "alice") -> int:
    absence = AgentAbsence(agent, first, last, Origin.COMMAND)
    return await office.store.write(lambda tx: set_absent(tx, office.site, absence, now=office.clock.now))


async def claimed(office: Office, agent: str = "alice") -> Ticket:
    ticket = await open_ticket(office)
    return await give(office, ticket, agent)


async def give(office: Office, ticket: Ticket, agent: str = "alice") -> Ticket:
    return await office.store.write(
        lambda tx: assign(tx, desk(), ticket, agent=agent, who=agent, now=office.clock.now)
    )


async def test_claims_are_released_when_an_absence_begins(office: Office) -> None:
    ticket = await claimed(office)
    assert await absent(office, today(office)) == 1
    now = await the_ticket(office)
    assert (now.state, now.owner) == (State.NEW, "")
    assert (await what_happened(office, ticket))[-2:] == ["released", "owner_absent"]


async def test_an_absence_to_come_is_begun_by_the_clock_once(office: Office) -> None:
    await claimed(office)
    tomorrow = today(office) + timedelta(1)
    assert await absent(office, tomorrow) == 0
    assert await tick(office.store, office.site, office.clock.now) == 0
    office.clock.now += DAY
    assert [await tick(office.store, office.site, office.clock.now) for _ in range(3)] == [1, 0, 0]
    assert (await the_ticket(office)).state is State.NEW


async def test_days_of_the_configuration_begin_by_the_clock(make_office: MakeOffice) -> None:
    day = datetime.fromtimestamp(1_790_000_000.0, UTC).date() + timedelta(1)
    profile = Profile(absences=((day, day),))
    office = await make_office(agents={"alice": {"profile": profile}})
    await claimed(office)
    assert await tick(office.store, office.site, office.clock.now + DAY) == 1
    assert (await the_ticket(office)).state is State.NEW


async def test_who_takes_a_ticket_while_absent_keeps_it(office: Office) -> None:
    await absent(office, today(office))
    await claimed(office)
    assert await tick(office.store, office.site, office.clock.now + 60) == 0
    assert (await the_ticket(office)).owner == "alice"


async def test_an_absence_that_a_dead_daemon_slept_through_releases_nothing(office: Office) -> None:
    await claimed(office)
    await absent(office, today(office) + timedelta(1), today(office) + timedelta(3))
    assert await tick(office.store, office.site, office.clock.now + 7 * DAY) == 0
    assert (await the_ticket(office)).owner == "alice"


async def test_a_clock_that_goes_back_and_forth_releases_no_ticket_twice(office: Office) -> None:
    ticket = await claimed(office)
    await absent(office, today(office) + timedelta(1))
    now = office.clock.now
    for moment in (now + DAY, now, now + DAY, now + 3653 * DAY, now + 2 * DAY):
        await tick(office.store, office.site, moment)
    assert (await what_happened(office, ticket)).count("owner_absent") == 1


async def test_a_day_begins_at_midnight_in_the_desks_zone(make_office: MakeOffice) -> None:
    zone = ZoneInfo("Pacific/Auckland")
    week = make_week([parse_hours("09:00-17:00")] * 7)
    office = await make_office(replace(desk(), calendar=Calendar(week, zone, name="nz")))
    office.clock.now = datetime(2026, 11, 22, 20, tzinfo=zone).timestamp()
    await claimed(office)
    await absent(office, date(2026, 11, 23))
    midnight = datetime(2026, 11, 23, tzinfo=zone).timestamp()
    assert await tick(office.store, office.site, midnight - 1) == 0
    assert await tick(office.store, office.site, midnight) == 1


# What sleeps, and what comes back


async def test_what_sleeps_stays_with_its_owner_and_wakes_to_everybody(office: Office) -> None:
    held = await claimed(office)
    until = office.clock.now + DAY
    await office.store.write(lambda tx: snooze(tx, held, until=until, who="alice", now=office.clock.now))
    assert await absent(office, today(office)) == 0
    assert (await the_ticket(office)).owner == "alice"
    assert await tick(office.store, office.site, until) == 1
    now = await the_ticket(office)
    assert (now.state, now.owner) == (State.NEW, "")
    assert await notices(office) == []


async def test_a_customer_of_an_absent_agent_is_everybodys(office: Office) -> None:
    ticket = await open_ticket(office)
    await hand_in(office, "alice", answer(to=reply_address(office, ticket)))
    await absent(office, today(office))
    office.clock.now += FRESH
    await office.receive(again(office, ticket, "<two@customer.example>"))
    now = await the_ticket(office)
    assert (now.state, now.owner) == (State.NEW, "")
    assert "alice is absent" in (await office.events(ticket))[-2].detail


async def test_a_customers_mail_takes_no_ticket_from_who_works_on_it_while_absent(office: Office) -> None:
    await absent(office, today(office))
    ticket = await claimed(office)
    await office.receive(again(office, ticket, "<two@customer.example>"))
    assert (await the_ticket(office)).owner == "alice"


# Assignment


@pytest.mark.parametrize(
    "options",
    [
        {"assign": "round_robin"},
        {"assign": "least_loaded"},
        {"assign": "round_robin", "sticky": True},
        {"assign": "round_robin", "rule": [{"owner": "alice"}]},
    ],
)
async def test_nothing_is_assigned_to_who_is_absent(
    make_office: MakeOffice, options: dict[str, object]
) -> None:
    office = await make_office(chain=ROUTED, options={"route": options})
    await office.receive(mail())  # alice had this customer's last ticket
    await give(office, (await office.tickets())[0])
    await absent(office, today(office))
    office.clock.now += FRESH
    for number in range(4):
        await office.receive(mail(subject=f"No {number}", message_id=f"<{number}@customer.example>"))
    assert [ticket.owner for ticket in (await office.tickets())[1:]] == ["bob"] * 4


async def test_who_is_back_gets_tickets_again(make_office: MakeOffice) -> None:
    office = await make_office(chain=ROUTED, options={"route": {"assign": "round_robin"}})
    await absent(office, today(office), today(office))
    office.clock.now += DAY
    for number in range(2):
        await office.receive(mail(subject=f"No {number}", message_id=f"<{number}@customer.example>"))
    assert {ticket.owner for ticket in await office.tickets()} == {"alice", "bob"}


# What is said


async def test_taking_it_back_ends_all_that_is_not_over(office: Office) -> None:
    yesterday = today(office) - timedelta(1)
    await absent(office, yesterday)
    await absent(office, today(office) + timedelta(9))
    await office.store.write(lambda tx: set_present(tx, office.site, "alice", now=office.clock.now))

    def known(tx: Transaction) -> list[date]:
        return [each.last for each in read_absences(tx, office.site, office.clock.now).of("alice")]

    assert await office.store.read(known) == [yesterday]


async def test_what_the_configuration_says_is_changed_there(make_office: MakeOffice) -> None:
    office = await make_office(
        agents={"alice": {"profile": Profile(absences=((date(2020, 1, 1), date.max),))}}
    )
    with pytest.raises(Refused, match="by the configuration"):
        await office.store.write(lambda tx: set_present(tx, office.site, "alice", now=office.clock.now))


async def test_who_is_here_need_not_be_called_back(office: Office) -> None:
    with pytest.raises(Refused, match="not absent"):
        await office.store.write(lambda tx: set_present(tx, office.site, "alice", now=office.clock.now))


async def test_days_that_are_over_are_refused(office: Office) -> None:
    with pytest.raises(Refused, match="past"):
        await absent(office, date(2020, 1, 1), date(2020, 1, 2))
