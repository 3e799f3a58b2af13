"""Claims grow old in business time: only while somebody works at the desk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from mailproc.desk.claim import assign
from mailproc.desk.clock import tick
from mailproc.desk.drafting import heed
from mailproc.model.calendar import Calendar
from mailproc.model.hours import make_week, parse_hours
from mailproc.model.ticket import State, Ticket
from tests.unit.desk.office import MakeOffice, Office, desk, mail

HOUR = 3600.0
BERLIN = ZoneInfo("Europe/Berlin")
WEEK = make_week([parse_hours("09:00-12:00, 13:00-17:00")] * 5 + [()] * 2)
CHRISTMAS = {date(2026, 12, 25): "Christmas"}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


async def opened(make_office: MakeOffice, when: str, hours: float = 4) -> tuple[Office, Ticket]:
    """A desk with hours, and a ticket that came at this time."""
    calendar = Calendar(WEEK, BERLIN, lambda year: CHRISTMAS if year == 2026 else {}, "office")
    office = await make_office(replace(desk(), calendar=calendar, claim_expires=hours * HOUR))
    office.clock.now = at(when)
    await office.receive(mail())
    (ticket,) = await office.tickets()
    return office, ticket


async def claimed(make_office: MakeOffice, when: str, hours: float = 4) -> tuple[Office, Ticket]:
    """And alice took it at once."""
    office, ticket = await opened(make_office, when, hours)
    await office.store.write(
        lambda tx: assign(tx, office.desks[0], ticket, agent="alice", who="alice", now=at(when))
    )
    return office, ticket


async def expired(office: Office, when: float) -> bool:
    await tick(office.store, office.site, when)
    (ticket,) = await office.tickets()
    return ticket.state is State.NEW


@pytest.mark.parametrize(
    ("claim", "hours", "expires"),
    [
        ("2026-11-23T09:00", 2, "2026-11-23T11:00"),
        ("2026-11-23T11:00", 4, "2026-11-23T16:00"),  # lunch
        ("2026-11-20T16:30", 4, "2026-11-23T13:30"),  # a weekend
        ("2026-11-21T15:00", 4, "2026-11-23T14:00"),  # taken while nobody works
        ("2026-12-24T16:00", 4, "2026-12-28T13:00"),  # a holiday and a weekend
        ("2026-10-23T16:00", 2, "2026-10-26T10:00"),  # clocks go back
        ("2026-03-27T16:00", 2, "2026-03-30T10:00"),  # and forward
    ],
)
async def test_a_claim_expires_after_so_many_business_hours(
    make_office: MakeOffice, claim: str, hours: float, expires: str
) -> None:
    office, _ = await claimed(make_office, claim, hours)
    assert not await expired(office, at(expires) - 1)
    assert await expired(office, at(expires) + 1)


async def test_the_history_says_that_they_were_business_hours(make_office: MakeOffice) -> None:
    office, ticket = await claimed(make_office, "2026-11-20T16:30")
    await tick(office.store, office.site, at("2026-11-23T14:00"))
    event = (await office.events(ticket))[-1]
    assert event.what == "claim_expired"
    assert event.detail == "alice had it for 4 business hours without doing anything"


async def test_a_clock_that_jumps_ten_years_expires_a_claim_once(make_office: MakeOffice) -> None:
    office, ticket = await claimed(make_office, "2026-11-20T16:30")
    later = at("2036-11-20T16:30")
    assert [await tick(office.store, office.site, now) for now in (later, later + 60)] == [1, 0]
    assert [event.what for event in await office.events(ticket)].count("claim_expired") == 1


async def test_a_clock_that_goes_back_expires_nothing(make_office: MakeOffice) -> None:
    office, _ = await claimed(make_office, "2026-11-20T16:30")
    assert not await expired(office, at("2016-11-20T16:30"))


async def test_a_claim_that_is_to_last_longer_than_anybody_lives_lasts(make_office: MakeOffice) -> None:
    office, _ = await claimed(make_office, "2026-11-20T16:30", 1e9)
    assert not await expired(office, at("2046-11-20T16:30"))


@pytest.mark.parametrize(("seen", "counts"), [("2026-11-23T09:30", True), ("2026-11-23T14:00", False)])
async def test_a_draft_of_friday_still_counts_on_monday_morning(
    make_office: MakeOffice, seen: str, counts: bool
) -> None:
    office, ticket = await opened(make_office, "2026-11-20T16:00")
    saved = {ticket.id: at("2026-11-20T16:30")}
    await office.store.write(lambda tx: heed(tx, office.site, "alice", saved, at(seen)))
    (now,) = await office.tickets()
    assert now.owner == ("alice" if counts else "")
