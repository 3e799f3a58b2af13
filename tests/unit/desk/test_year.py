"""A year of a desk's life by a clock that the test moves, held against books that are kept beside it.

Customers write and are silent, agents answer, put aside, close and are absent, over both changes of the
clocks, holidays, and a week without a daemon.  The books (bench/desk_books.py) count minute by minute.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from bench.desk_books import Case
from bench.desk_clocks import DAY, HOUR, MINUTE, WORK, Goal, Hours, Rules, Step
from bench.desk_figures import ticket_view
from bench.desk_office import KNOWN, Office
from bench.desk_site import SimulatedSite
from mailproc.desk import claim as claims
from mailproc.desk.absence import set_absent
from mailproc.desk.clock import tick
from mailproc.desk.close import close
from mailproc.desk.escalate import escalate_due
from mailproc.desk.site import AutomaticAnswers
from mailproc.desk.snooze import snooze
from mailproc.desk.view import ticket_in_full
from mailproc.model import escalation as rules
from mailproc.model.absence import AgentAbsence, Origin
from mailproc.model.calendar import Calendar
from mailproc.model.desk import Desk
from mailproc.model.target import Kind, Target
from mailproc.model.ticket import Ticket
from mailproc.pipeline.escalation_letters import read_escalation_letters
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import open_sqlite
from tests.unit.desk import office as offices
from tests.unit.desk.agents_desk import answer, ask, hand_in, reply_address

BERLIN = ZoneInfo("Europe/Berlin")
BEGINS = round(datetime(2026, 1, 1, tzinfo=BERLIN).timestamp())
LOOK = 30  # minutes between two looks of the daemon's clock
DOWN = range(  # a week without a daemon, over the change to summer time
    *(round(datetime(2026, 3, day, tzinfo=BERLIN).timestamp()) for day in (24, 31))
)
HOLIDAYS = tuple(date(2026, *day) for day in ((1, 1), (4, 3), (4, 6), (5, 1), (12, 25)))
HOURS = Hours(BERLIN, (*(((9 * HOUR, 17 * HOUR),),) * 5, (), ((0, 6 * HOUR),)), HOLIDAYS)
STEPS = (
    Step(("first", "next"), "warn", tag="hot", mail=("owner",)),
    Step(("first", "next"), "due", tag="late", mail=("lead",)),
    Step(("first",), "due", after=HOUR, release=True),
)
GOAL = Goal("usual", {"first": 4 * HOUR, "next": 8 * HOUR, "solution": 40 * HOUR}, 0.75)
BOOKS = Rules("support", HOURS, ("alice", "bob"), (GOAL,), STEPS, "bob", 14 * DAY, 3 * DAY)
TEMPLATES = str(offices.ROOT / "config" / "templates")
LETTERS = read_escalation_letters(["escalation"], [TEMPLATES])


def the_desk() -> Desk:
    """The same rules as the daemon has them."""
    week = tuple(tuple((begins * 60, ends * 60) for begins, ends in day) for day in HOURS.week)
    holidays = dict.fromkeys(HOLIDAYS, "holiday")
    calendar = Calendar(week, BERLIN, lambda _year: holidays, name="office")
    first, following, solution = (GOAL.minutes[kind] * 60.0 for kind in Kind)
    target = Target(GOAL.name, first, following, solution, GOAL.warn)
    steps = [
        rules.Step(
            "", frozenset(map(Kind, step.of)), rules.At(step.at), step.after * 60.0, tuple({step.tag} - {""}),
            mail=tuple(map(rules.Addressee, step.mail)), template="escalation", release=step.release,
        )
        for step in STEPS
    ]  # fmt: skip
    escalation = rules.Escalation((rules.Rule(target),), tuple(rules.key_steps(steps)), lead=BOOKS.lead)
    return replace(
        offices.desk(),
        calendar=calendar,
        escalation=escalation,
        close_after=BOOKS.close_after * 60.0,
        close_warning=BOOKS.close_warning * 60.0,
        claim_expires=0.0,
    )


class InProcess:
    """What the simulation needs of a site, without sockets: a look of the clock, and the store."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.path = folder / "year.db"
        desk = offices.Office(open_sqlite(self.path), (the_desk(),), chain=("automatic", "auth", "ticket"))
        self.desk = self.runner.run(desk.open())
        self.desk.site = replace(self.desk.site, automatic=AutomaticAnswers((TEMPLATES,)))

    def end(self) -> None:
        self.runner.run(self.desk.store.close())
        self.runner.close()

    def move_clock(self, at: int) -> None:
        self.desk.clock.now = float(at)

    def look(self) -> None:
        """As ``keep_time`` does."""
        now = self.desk.clock.now
        self.runner.run(tick(self.desk.store, self.desk.site, now))
        self.runner.run(escalate_due(self.desk.store, self.desk.site, LETTERS, now))

    def until(self, what: str, is_so: Callable[[], bool]) -> None:
        self.look()
        assert is_so(), what

    def until_filed(self) -> None:
        """Mails go through the chain at once."""

    def rows(self, sql: str, **values: object) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]


class Year:
    """``now`` of the books goes on in steps of ``LOOK``; customers and agents do things at them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.site = InProcess(folder)
        self.books = Office(cast("SimulatedSite", self.site), random.Random(seed), BEGINS)
        self.written = 0

    def live(self, days: int) -> None:
        self.site.move_clock(BEGINS)
        self.site.look()
        rng, ends = self.books.rng, BEGINS + days * DAY * MINUTE
        while self.books.now < ends:
            if self.books.now not in DOWN:
                self.books.pass_time()
                if rng.random() < 0.04:
                    rng.choice((self.opens, self.opens, self.answers, self.answers, self.writes_again,
                                self.claims, self.puts_aside, self.closes))()  # fmt: skip
                if rng.random() < 0.002:
                    self.is_away()
                self._look_in_vain()
            self._count()

    def _look_in_vain(self) -> None:
        """Now and then the clock is looked at though nothing is due; or looked at twice, or put back."""
        if self.books.rng.random() < 0.05:
            self.site.move_clock(self.books.now)
            before = self.changes()
            self.site.look()
            for back in (1, 3600, 10 * 365 * 86400):
                self.site.move_clock(self.books.now - back)
                self.site.look()
            assert self.changes() == before, self.site.rows("SELECT * FROM event ORDER BY id DESC LIMIT 3")

    def changes(self) -> list[dict[str, Any]]:
        return self.site.rows(
            "SELECT (SELECT max(id) FROM event) AS event, (SELECT max(id) FROM outbox) AS item"
        )

    def _count(self) -> None:
        for _ in range(LOOK):
            if HOURS.is_open(self.books.now):
                for case in self.books.cases:
                    if case.phase == WORK:
                        case.course.count(self.books.now)
            self.books.now += MINUTE

    # What people do

    def _write(self, verb: Callable[[Transaction, Ticket], object], case: Case) -> None:
        self.books.begin()

        def work(tx: Transaction) -> None:
            ticket = tx.tickets.by_number(case.number)
            assert ticket is not None
            verb(tx, ticket)

        self.site.runner.run(self.site.desk.store.write(work))

    def _comes(self, customer: str = "", extra: str = "") -> str:
        self.written += 1
        message_id = f"<{self.written}@customer.example>"
        sender = customer or f"customer{self.written}@customer.example"
        raw = ask(
            f"Question {self.written}.",
            message_id=message_id,
            subject=f"No {self.written}",
            sender=sender,
            extra=extra,
        )
        self.books.begin()
        self.site.runner.run(self.site.desk.receive(raw, sender=sender))
        self.books.begin()
        return message_id

    def opens(self) -> None:
        message_id = self._comes()
        (row,) = self.site.rows("SELECT number, customer FROM ticket ORDER BY id DESC LIMIT 1")
        case = Case(row["number"], BOOKS, message_id, row["customer"], self.books.now)
        case.letters.append((self.books.now, "none"))
        case.wrote(self.books.now)
        self.books.cases.append(case)
        self.books.settle(case)

    def writes_again(self) -> None:
        case = self.books.some("new", "claimed", "answered", "answered", "snoozed", "closed")
        if case is None or (
            case.state == "closed" and case.events[-1][0] < self.books.now - 20 * DAY * MINUTE
        ):
            return  # so late it would be a new ticket
        self._comes(case.customer, f"In-Reply-To: {case.subject}\nReferences: {case.subject}")
        now = self.books.now
        case.letters.append((now, "none"))
        case.wrote(now)
        if case.state in ("answered", "snoozed", "closed"):
            owner = "" if case.owner and self.books.is_absent(case.owner, BOOKS) else case.owner
            case.work_on(now, "follow_up", owner)
        self.books.settle(case)

    def answers(self) -> None:
        case = self.books.some("new", "claimed", "snoozed")
        if case is None or (not case.owner and not self.books.present(case)):
            return
        agent = case.owner or self.books.present(case)[0]
        self.books.begin()
        ticket = self.site.runner.run(self._ticket(case))
        self.written += 1
        raw = answer(
            to=reply_address(self.site.desk, ticket), text=f"Answer {self.written}.", answers="",
            sender=f"{agent}@example.org", message_id=f"<{self.written}@laptop.example>",
        )  # fmt: skip
        raw = raw.replace(b"Date: Mon, 21 Sep 2026", b"Date: Fri, 21 Sep 2035")
        reply = self.site.runner.run(hand_in(self.site.desk, agent, raw))
        assert reply.text.startswith("2.0.0") or reply.code == 250, reply
        self.books.begin()
        case.answered(self.books.now, agent)
        self.books.settle(case)

    async def _ticket(self, case: Case) -> Ticket:
        found = await self.site.desk.store.read(lambda tx: tx.tickets.by_number(case.number))
        assert found is not None
        return found

    def claims(self) -> None:
        case = self.books.some("new")
        if case and (present := self.books.present(case)):
            agent, now = self.books.rng.choice(present), self.books.now
            self._write(lambda tx, found: claims.claim(tx, the_desk(), found, agent=agent, now=now), case)
            case.enter(now, "claimed", "claimed", agent)
            self.books.settle(case)

    def puts_aside(self) -> None:
        if case := self.books.some("new", "claimed"):
            now, until = self.books.now, self.books.now + self.books.rng.choice((1, 24, 240)) * HOUR * MINUTE
            self._write(lambda tx, found: snooze(tx, found, until=until, who="alice", now=now), case)
            case.enter(now, "snoozed", "snoozed")
            case.wakes = until
            self.books.settle(case)

    def closes(self) -> None:
        if case := self.books.some("claimed", "new"):
            now = self.books.now
            self._write(lambda tx, found: close(tx, found, who="alice", now=now), case)
            case.enter(now, "closed", "closed")
            self.books.settle(case)

    def is_away(self) -> None:
        """Somebody is absent from today on."""
        agent = self.books.rng.choice(BOOKS.agents)
        first, last = self.books.until_absent(agent, self.books.rng.choice((1, 5, 14)))
        absence = AgentAbsence(agent, first, last, Origin.COMMAND)
        now, site = float(self.books.now), self.site.desk.site
        self.books.begin()
        self.site.runner.run(
            self.site.desk.store.write(lambda tx: set_absent(tx, site, absence, now=now, who="mailproc"))
        )
        self.books.settle(*self.books.absent_now())

    # What came of it

    def differences(self) -> Iterator[tuple[str, str, object, object]]:
        now = self.books.now
        desks = self.site.desk.site.desks
        for case in self.books.cases:
            ticket = self.site.runner.run(self._ticket(case))
            found = self.site.runner.run(
                self.site.desk.store.read(
                    lambda tx, ticket=ticket: ticket_in_full(tx, ticket, desks, float(now))  # type: ignore[misc]
                )
            )
            expected = ticket_view(case, now)
            events = cast("list[dict[str, str]]", found["events"])
            shown = {
                **found,
                "events": sorted((each["at"], each["what"]) for each in events if each["what"] in KNOWN),
                "received": expected["received"],
            }
            for key, value in expected.items():
                if shown[key] != value:
                    yield case.number, key, value, shown[key]

    def told(self) -> Counter[str]:
        names = {"woken": "awake", "escalation": "escalation", "warning": "closing"}
        keys = [row["key"] for row in self.site.rows("SELECT key FROM outbox")]
        return Counter(names[kind] for key in keys if (kind := key.partition(":")[0]) in names)


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Year]:
    made = Year(tmp_path, seed=1)
    yield made
    made.site.end()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_year_ends_as_its_books_say_and_everybody_was_told_once(year: Year) -> None:
    year.live(365)
    assert len(year.books.cases) > 100
    assert list(year.differences()) == []
    assert year.told() == year.books.told
    assert min(year.books.told[what] for what in ("awake", "escalation", "closing")) > 5


def test_a_clock_that_jumps_ten_years_and_back_tells_nobody_twice(year: Year) -> None:
    year.live(20)
    year.site.move_clock(year.books.now + 10 * 365 * 86400)
    for _ in range(3):
        year.site.look()
    told, changes = year.told(), year.changes()
    open_ones = sum(case.state != "closed" for case in year.books.cases)
    assert sum(told.values()) <= sum(year.books.told.values()) + 4 * open_ones
    for back in (10 * 365 * 86400, 9 * 365 * 86400, 0):
        year.site.move_clock(year.books.now + back)
        year.site.look()
    assert (year.told()["awake"], year.told()["escalation"]) == (told["awake"], told["escalation"])
    assert year.changes()[0]["event"] >= changes[0]["event"]
