"""Reports and digests come once, on their day, whatever the clock does."""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailproc.desk.site import Agent, Site
from mailproc.model.address import Address
from mailproc.model.assignment import Profile
from mailproc.model.calendar import Calendar
from mailproc.model.desk import Desk
from mailproc.model.hours import make_week, parse_hours
from mailproc.model.mac import Keyring
from mailproc.model.outbox import OutboxItem
from mailproc.model.period import ReportPlan, parse_schedule
from mailproc.model.ticket import State, Ticket
from mailproc.reports.regular import look
from mailproc.store.place import SqlitePlace
from mailproc.store.sqlite import SqliteStore, open_sqlite
from tests.rig.tickets import new_ticket
from tests.unit.reports.life import BERLIN

HOUR, DAY = 3600.0, 86400.0
MONDAY = datetime(2026, 11, 23, 7, tzinfo=BERLIN).timestamp()
OFFICE = Calendar(make_week([parse_hours("09:00-17:00")] * 5 + [()] * 2), BERLIN, name="office")
WEEKLY = ReportPlan("weekly", parse_schedule("monday 07:00"), ("support",), ("alice", "bob"), "html")


class Desks:
    """A site with a store; ``look`` at a moment tells what was mailed then."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.plans = [WEEKLY]
        self.site = self.made(digest=None)

    def made(self, digest: time | None, *, absent: tuple[date, ...] = ()) -> Site:
        desks = {
            name: Desk(name, name.title(), (Address.parse(f"{name}@example.org"),), agents=("alice", "bob"),
                       calendar=OFFICE, digest=at)
            for name, at in (("support", digest), ("billing", time(9) if digest else None))
        }  # fmt: skip
        away = Profile(absences=tuple((day, day) for day in absent))
        agents = {
            name: Agent(name, name.title(), Address.parse(f"{name}@example.org"), profile=profile)
            for name, profile in (("alice", Profile()), ("bob", away))
        }
        return Site("mail.example.org", desks, agents, Keyring.generate(bytes(32)))

    async def look(self, now: float) -> list[EmailMessage]:
        before = {item.id for item in await self.items()}
        await look(self.store, SqlitePlace(self.store.path), self.site, self.plans, now)
        return [read(item) for item in await self.items() if item.id not in before]

    async def items(self) -> list[OutboxItem]:
        listed = await self.store.read(lambda tx: tx.outbox.items())
        whole = await self.store.read(lambda tx: [tx.outbox.get(item.id) for item in listed])
        return [item for item in whole if item is not None]

    async def ticket(self, number: str, state: State, owner: str = "", *, desk: str = "support") -> Ticket:
        new = new_ticket(
            number, MONDAY - DAY, desk=desk, subject=f"Question {number}", state=state, owner=owner
        )
        return await self.store.write(lambda tx: tx.tickets.open(new))


def read(item: OutboxItem) -> EmailMessage:
    message = email.message_from_bytes(item.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.fixture
async def desks(tmp_path: Path) -> AsyncIterator[Desks]:
    store = open_sqlite(tmp_path / "mailproc.db")
    yield Desks(store)
    await store.close()


async def test_a_report_comes_once_for_its_week_with_the_page_attached(desks: Desks) -> None:
    assert await desks.look(MONDAY - 60) == []
    mails = await desks.look(MONDAY + 5)
    assert await desks.look(MONDAY + 20) == []
    assert [mail["To"] for mail in mails] == ["Alice <alice@example.org>", "Bob <bob@example.org>"]
    assert mails[0]["Subject"] == "Report weekly: 2026-11-16 to 2026-11-22"
    assert len({str(mail["Message-ID"]) for mail in mails if mail["Message-ID"]}) == 2
    assert text_of(mails[0]).startswith(
        "Report support\r\n" if "\r" in text_of(mails[0]) else "Report support\n"
    )
    (attached,) = mails[0].iter_attachments()
    assert attached.get_content_type() == "text/html"
    assert attached.get_filename() == "report-2026-11-23.html"
    assert attached.get_content().startswith("<!DOCTYPE html>")
    assert [await desks.look(MONDAY + days * DAY) for days in range(1, 7)] == [[]] * 6
    assert len(await desks.look(MONDAY + 7 * DAY)) == 2


async def test_after_weeks_without_a_daemon_only_the_newest_report_comes(desks: Desks) -> None:
    await desks.look(MONDAY + 1)
    mails = await desks.look(MONDAY + 31 * DAY)
    assert {mail["Subject"] for mail in mails} == {"Report weekly: 2026-12-14 to 2026-12-20"}
    assert len(mails) == 2


async def test_a_report_that_is_new_begins_with_its_next_moment(desks: Desks) -> None:
    assert await desks.look(MONDAY + 2 * DAY) == []
    assert len(await desks.look(MONDAY + 7 * DAY + 1)) == 2


async def test_a_clock_that_is_put_back_sends_nothing_again(desks: Desks) -> None:
    await desks.look(MONDAY + 1)
    for back in (HOUR, -1.0, DAY / 2, 0.0):
        assert await desks.look(MONDAY + 1 - back) == []


async def test_a_clock_that_was_ten_years_ahead_stops_no_report_for_ten_years(desks: Desks) -> None:
    await desks.look(MONDAY - 60)
    ahead = await desks.look(MONDAY + 3650 * DAY)
    assert len(ahead) == 2
    assert await desks.look(MONDAY + DAY) == []
    assert len(await desks.look(MONDAY + 7 * DAY + 1)) == 2
    assert await desks.look(MONDAY + 7 * DAY + 16) == []


async def test_an_agent_gets_one_digest_for_all_desks_on_each_open_day(desks: Desks) -> None:
    desks.plans, desks.site = [], desks.made(digest=time(7, 30))
    await desks.ticket("1", State.CLAIMED, "alice")
    await desks.ticket("2", State.NEW, desk="billing")
    await desks.ticket("3", State.CLAIMED, "bob")
    assert await desks.look(MONDAY) == []
    mails = {mail["To"].addresses[0].username: mail for mail in await desks.look(MONDAY + HOUR / 2 + 1)}
    assert set(mails) == {"alice", "bob"}
    assert mails["alice"]["Subject"] == "Monday: 1 yours, 1 new"
    assert "Question 1" in text_of(mails["alice"])
    assert "Question 2" in text_of(mails["alice"])
    assert "Question 3" not in text_of(mails["alice"])
    assert [await desks.look(MONDAY + hours * HOUR) for hours in (1, 2.5, 9)] == [[]] * 3
    by_day = [len(await desks.look(MONDAY + days * DAY + HOUR)) for days in range(1, 8)]
    assert by_day == [2, 2, 2, 2, 0, 0, 2]


async def test_who_is_absent_or_has_nothing_to_do_gets_no_digest(desks: Desks) -> None:
    desks.plans = []
    desks.site = desks.made(digest=time(7, 30), absent=(date(2026, 11, 23), date(2026, 11, 24)))
    assert await desks.look(MONDAY + HOUR / 2) == []
    await desks.ticket("1", State.NEW)
    assert await desks.look(MONDAY + HOUR / 2) == []  # the moment is over
    assert [mail["To"] for mail in await desks.look(MONDAY + DAY + HOUR)] == ["Alice <alice@example.org>"]
    assert len(await desks.look(MONDAY + 2 * DAY + HOUR)) == 2


async def test_a_digest_of_a_day_that_is_over_never_comes(desks: Desks) -> None:
    desks.plans, desks.site = [], desks.made(digest=time(7, 30))
    await desks.ticket("1", State.NEW)
    await desks.look(MONDAY + HOUR)
    midnight = datetime.combine(date(2026, 11, 27), time(0, 5), BERLIN) + timedelta(days=1)
    assert await desks.look(midnight.astimezone(UTC).timestamp()) == []


async def test_what_is_put_aside_until_today_is_told(desks: Desks) -> None:
    desks.plans, desks.site = [], desks.made(digest=time(7, 30))
    today, later = (
        await desks.ticket("1", State.SNOOZED, "alice"),
        await desks.ticket("2", State.SNOOZED, "alice"),
    )
    await desks.store.write(lambda tx: tx.tickets.snooze_until(today.id, MONDAY + 5 * HOUR, "snoozed/1d"))
    await desks.store.write(lambda tx: tx.tickets.snooze_until(later.id, MONDAY + 2 * DAY, "snoozed/3d"))
    (mail,) = await desks.look(MONDAY + HOUR / 2)
    assert mail["Subject"] == "Monday: 1 back today"
    assert "12:00" in text_of(mail)
