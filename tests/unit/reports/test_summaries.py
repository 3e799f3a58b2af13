"""What is known of tickets beforehand changes no figure, and is believed only while it is true."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.desk.merge import merge
from mailproc.model.calendar import Calendar
from mailproc.model.figures import Figure, Period, figures
from mailproc.model.hours import make_week, parse_hours
from mailproc.model.target import Target
from mailproc.model.ticket import Direction, State, Ticket
from mailproc.reports.gather import make_report
from mailproc.reports.keep import find, is_behind, put, summarize_next
from mailproc.reports.stamp import Stamps
from mailproc.store.place import SqlitePlace
from mailproc.store.sqlite import SqliteStore, open_sqlite
from mailproc.store.tickets import NewTicket
from mailproc.store.transaction import Transaction
from tests.unit.reports.life import BERLIN, START, Life, memory

DAY = 86400.0
TARGET = Target("all", first=2 * 3600, next=4 * 3600, solution=8 * 3600)
MONTH = Period(START - DAY, START + 30 * DAY, BERLIN)
EARLY = Calendar(make_week([parse_hours("07:00-10:00")] * 5 + [()] * 2), BERLIN, name="early")

Told = list[tuple[str, float | None, tuple[int, ...]]]


def told(tx: Transaction, life: Life, period: Period) -> Told:
    """Every figure with the tickets behind it."""
    calendars = {name: desk.calendar for name, desk in life.desks.items()}
    report = make_report(tx, calendars, period, period.end, lambda heads: [TARGET] * len(heads))

    def behind(figure: Figure) -> tuple[int, ...]:
        return report.behind(figure.table.name, figure.line.name, figure.column.name)

    return [(figure.name, figure.value, behind(figure)) for figure in figures(report)]


def forget(tx: Transaction) -> None:
    tx.summaries._connection.run("DELETE FROM summary_mark")


class LongLife(Life):
    """More happens: tickets are taken apart, clocks are put back, and now and then somebody finds out."""

    def __init__(self, tx: Transaction, seed: int) -> None:
        super().__init__(tx, seed)
        self.more = [self.unmerges, self.splits, self.splits, self.writes_late, self.goes_back]
        self.more += [self.is_seen, self.looks, self.looks, self.looks, self.opens_otherwise]

    def writes_late(self) -> None:
        now, self.now = self.now, self.now - 90_000
        self.happens()
        self.now = now

    def goes_back(self) -> None:
        self.now -= 7_000

    def is_seen(self) -> None:
        """A mail that leaves no event."""
        ticket = self.one()
        self.mail(ticket, Direction.IN, ticket.customer)

    def looks(self) -> None:
        self.keep(self.rng.choice((3, 20, 50)))

    def opens_otherwise(self) -> None:
        """The desk's business time changes."""
        if self.rng.random() < 0.2:
            self.desks["support"] = replace(self.desks["support"], calendar=EARLY)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    steps=st.integers(0, 150),
    periods=st.lists(st.tuples(st.floats(0, 10), st.floats(0.5, 25)), min_size=1, max_size=4),
)
def test_figures_and_the_tickets_behind_them_are_those_of_who_knows_nothing(
    seed: int, steps: int, periods: list[tuple[float, float]]
) -> None:
    with memory() as tx:
        life = LongLife(tx, seed)
        life.run(steps)
        spans = [
            Period(START + start * DAY, START + (start + length) * DAY, BERLIN) for start, length in periods
        ]
        known = [told(tx, life, span) for span in spans]
        forget(tx)
        assert known == [told(tx, life, span) for span in spans]


# Rows that lie show where they are believed


@pytest.fixture(name="life")
def _life() -> Iterator[Life]:
    """Three tickets at rest, of two mails each, that are said to have none."""
    with memory() as tx:
        yield lying(tx)


def lying(tx: Transaction) -> Life:
    life = Life(tx, 1)
    for _ in range(3):
        life.now += 60
        ticket = opened(life)
        for _ in range(2):
            life.mail(ticket, Direction.IN, ticket.customer)
        life.now += 60
        on(life, ticket.id, life.closes)
    life.keep()
    lie(tx)
    return life


def opened(life: Life, state: State = State.NEW) -> Ticket:
    ticket = life.tx.tickets.open(
        NewTicket(
            number=str(len(life.tickets) + 1),
            desk="support",
            subject="Question",
            subject_key="question",
            state=state,
            owner="",
            customer="carla@customer.example",
            opened=life.now,
            topic="",
            language="",
            spam=0.5,
        )
    )
    life.tx.history.add_event(ticket, "opened", ticket.customer, ticket.subject, life.now, state)
    life.tickets.append(ticket.id)
    return ticket


def lie(tx: Transaction) -> None:
    tx.summaries._connection.run(
        """
        UPDATE ticket_summary SET content = '["closed",false,true,[],[],[],[],[],[],[],[],[],[]]'
        """
    )


def on(life: Life, ticket: int, verb: Callable[[], object]) -> None:
    """Something happens to one ticket."""
    tickets, life.tickets = life.tickets, [ticket]
    verb()
    life.tickets = tickets


def mails(life: Life, period: Period = MONTH) -> set[int]:
    """The tickets whose mails are counted rightly."""
    return set(next(rows for name, _, rows in told(life.tx, life, period) if name == "overview/mails/count"))


def ticket(life: Life, number: int) -> Ticket:
    return life.tx.tickets.get(life.tickets[number])


def test_what_is_known_is_not_looked_at_again(life: Life) -> None:
    assert mails(life) == set()
    forget(life.tx)
    assert mails(life) == set(life.tickets)


def test_whatever_happens_to_a_ticket_it_is_looked_at_again(life: Life) -> None:
    life.tx.history.add_event(ticket(life, 1), "noted", "analyse", "something", START - 400 * DAY)
    assert mails(life) == {life.tickets[1]}
    life.keep()
    assert mails(life) == {life.tickets[1]}


def test_a_mail_that_left_no_event_is_seen(life: Life) -> None:
    life.mail(ticket(life, 2), Direction.IN, "carla@customer.example")
    assert mails(life) == {life.tickets[2]}
    life.keep()
    assert mails(life) == {life.tickets[2]}


def test_what_happens_to_a_part_happens_to_the_whole(life: Life) -> None:
    merge(life.tx, ticket(life, 0), ticket(life, 1), who="alice", now=life.now)
    assert mails(life) == {life.tickets[0], life.tickets[1]}
    life.keep()
    lie(life.tx)
    assert mails(life) == set()
    life.tx.history.add_event(ticket(life, 0), "taken_back", "alice", "an answer to nobody", life.now)
    assert mails(life) == {life.tickets[0], life.tickets[1]}


def test_another_business_time_makes_all_of_a_desk_unknown(life: Life) -> None:
    life.desks["night"] = replace(life.desks["night"], calendar=EARLY)
    assert mails(life) == set()
    life.desks["support"] = replace(life.desks["support"], calendar=EARLY)
    assert mails(life) == set(life.tickets)
    life.keep()
    lie(life.tx)
    assert mails(life) == set()


def test_a_ticket_that_goes_on_after_the_period_is_looked_at(life: Life) -> None:
    until = Period(MONTH.start, life.tx.tickets.get(life.tickets[1]).opened + 0.5, BERLIN)
    assert mails(life, until) == {life.tickets[1]}


def test_a_ticket_at_work_is_not_kept(life: Life) -> None:
    on(life, life.tickets[0], life.reopens)
    life.keep()
    rows = life.tx.summaries._connection.all("SELECT ticket FROM ticket_summary")
    assert {row[0] for row in rows} == set(life.tickets[1:])
    assert mails(life) == {life.tickets[0]}


def test_a_store_that_was_restored_knows_what_it_knew(life: Life) -> None:
    """Rows of events and messages are passed over; the newest of each moved."""
    life.tx.restored.pass_over_rows()
    assert mails(life) == {life.tickets[2]}
    life.keep()
    assert mails(life) == {life.tickets[2]}


def test_who_is_far_behind_is_not_believed(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailproc.reports.gather.FAR", 2)
    assert mails(life) == set()
    for _ in range(3):
        life.tx.history.add_event(ticket(life, 0), "noted", "analyse", "something", life.now)
    assert mails(life) == set(life.tickets)


def test_two_who_find_out_at_once_do_not_undo_each_other(life: Life) -> None:
    stamps = Stamps({name: desk.calendar for name, desk in life.desks.items()})
    on(life, life.tickets[0], life.reopens)
    first, second = (find(life.tx, stamps, life.now) for _ in range(2))
    assert put(life.tx, first)
    assert not put(life.tx, second)
    assert not is_behind(life.tx, stamps, life.now)


def test_a_ticket_is_found_out_once_however_many_events_it_has() -> None:
    with memory() as tx:
        life = lying(tx)
        stamps = Stamps({name: desk.calendar for name, desk in life.desks.items()})
        forget(tx)
        seen = []
        while is_behind(tx, stamps, life.now):
            found = find(tx, stamps, life.now, limit=2)
            seen += [kept.ticket for kept in found.kept]
            assert put(tx, found)
        assert seen == life.tickets


def test_spam_is_kept_too() -> None:
    with memory() as tx:
        life = Life(tx, 2)
        opened(life)
        spam = opened(life, State.SPAM)
        life.keep()
        rows = tx.summaries._connection.all("SELECT ticket FROM ticket_summary")
        assert [row[0] for row in rows] == [spam.id]


async def test_the_daemon_finds_out_what_is_new_and_then_rests(tmp_path: Path) -> None:
    path = tmp_path / "mailproc.db"
    async with opened_store(path) as store:
        life = await store.write(lambda tx: Life(tx, 3))
        stamps = Stamps({name: desk.calendar for name, desk in life.desks.items()})
        await store.write(lambda tx: lives(life, tx))
        assert await summarize_next(store, SqlitePlace(path), stamps, life.now)
        assert not await summarize_next(store, SqlitePlace(path), stamps, life.now)
        before = await store.read(lambda tx: told(tx, life, MONTH))
        await store.write(forget)
        assert before == await store.read(lambda tx: told(tx, life, MONTH))


@asynccontextmanager
async def opened_store(path: Path) -> AsyncIterator[SqliteStore]:
    store = open_sqlite(path)
    try:
        yield store
    finally:
        await store.close()


def lives(life: Life, tx: Transaction) -> None:
    life.tx = tx
    life.run(60)
