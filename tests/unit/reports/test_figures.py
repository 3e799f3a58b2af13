"""Every number of a report is what the store's rows say, whatever happened at the desks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.desk.merge import merge
from mailproc.model.calendar import Calendar
from mailproc.model.figures import Period, Report, Unit, figures, tickets_behind
from mailproc.model.happening import happenings
from mailproc.model.target import Target, clocks
from mailproc.model.ticket import Direction
from mailproc.reports.gather import make_report
from mailproc.store.transaction import Transaction
from tests.unit.reports.life import BERLIN, START, Life, memory
from tests.unit.reports.oracle import Oracle

DAY = 86400.0
TARGET = Target("all", first=2 * 3600, next=4 * 3600, solution=8 * 3600)


def report_on(
    tx: Transaction, life: Life, period: Period, now: float
) -> tuple[Report, Mapping[str, Calendar]]:
    calendars = {name: desk.calendar for name, desk in life.desks.items()}
    return make_report(tx, calendars, period, now, lambda heads: [TARGET] * len(heads)), calendars


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    steps=st.integers(0, 150),
    start=st.floats(0, 10),
    length=st.floats(0.5, 25),
    known=st.booleans(),
)
def test_every_figure_is_what_the_rows_say(
    seed: int, steps: int, start: float, length: float, known: bool
) -> None:
    """Also where most of it was found out before."""
    period = Period(START + start * DAY, START + (start + length) * DAY, BERLIN)
    with memory() as tx:
        life = Life(tx, seed)
        life.run(steps)
        if known:
            life.keep()
        report, calendars = report_on(tx, life, period, now=period.end)
        oracle = Oracle(tx, dict(calendars), period, TARGET)
        wrong = {}
        for figure in figures(report):
            expected = oracle.value(figure.name)
            same = figure.value == expected or (
                figure.value is not None and expected is not None and abs(figure.value - expected) < 1e-3
            )
            if not same and figure.name not in oracle.unsure:
                wrong[figure.name] = (figure.value, expected)
        assert wrong == {}
        named = {figure.name for figure in figures(report)}
        unseen = {name for name, value in oracle.counts.items() if value and name not in named}
        assert {name for name in unseen if not name.endswith(("_met", "_missed", "/met", "/missed"))} == {
            name for name in unseen if name.startswith("agent//")
        }


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**9), steps=st.integers(20, 150))
def test_behind_every_count_stand_as_many_tickets_at_most_and_some_where_it_is_not_nothing(
    seed: int, steps: int
) -> None:
    with memory() as tx:
        life = Life(tx, seed)
        life.run(steps)
        report, _ = report_on(tx, life, Period(START, START + 20 * DAY, BERLIN), now=START + 20 * DAY)
        for figure in figures(report):
            tickets = report.behind(figure.table.name, figure.line.name, figure.column.name)
            assert len(set(tickets)) == len(tickets)
            if figure.column.unit is Unit.COUNT:
                assert (len(tickets) <= (figure.value or 0)) and bool(tickets) == bool(figure.value), (
                    figure.name
                )
            if figure.column.unit is Unit.SECONDS:
                assert bool(tickets) == (figure.value is not None), figure.name


def test_a_report_on_a_past_period_does_not_change_with_what_happens_later() -> None:
    period = Period(START, START + 5 * DAY, BERLIN)
    with memory() as tx:
        life = Life(tx, 4)
        life.run(60)
        life.now = max(life.now, period.end)
        calendars = {name: desk.calendar for name, desk in life.desks.items()}
        before = Oracle(tx, calendars, period, TARGET).counts
        first, _ = report_on(tx, life, period, now=life.now)
        for _ in range(30):
            life.now += 3600
            life.opens()
        again, _ = report_on(tx, life, period, now=life.now)
        assert [figure.value for figure in figures(again)] == [figure.value for figure in figures(first)]
        assert before["overview/mails/count"] > 0


def test_times_are_those_of_a_ticket_and_all_that_was_merged_into_it() -> None:
    """The customer wrote twice, and only the second ticket, which became part of the first, was answered."""
    monday = datetime(2026, 9, 21, 10, tzinfo=BERLIN).timestamp()
    with memory() as tx:
        life = Life(tx, 1)
        opened = []
        for moment in (monday, monday + 600):
            life.now = moment
            while (ticket := life.opens()).desk != "support" or ticket.state != "new":
                pass
            life.mail(ticket, Direction.IN, ticket.customer)
            opened.append(ticket)
        first, second = opened
        life.now = monday + 1800
        life.tickets = [second.id]
        life.answers()
        life.now += 60
        merge(tx, tx.tickets.get(second.id), tx.tickets.get(first.id), who="alice", now=life.now)
        period = Period(monday - DAY, monday + DAY, BERLIN)
        report, _ = report_on(tx, life, period, now=period.end)
        kept = tx.targets.history(first.id)
        told = clocks(first.opened, happenings(first.opened, kept.events, kept.letters))
        calendar = life.desks["support"].calendar
        used = [clock.used(calendar, clock.ended) for clock in told if clock.ended is not None]
        found = {figure.name: figure.value for figure in figures(report)}
        assert found["times/first/count"] == 1
        assert [found["times/first/median"]] == used
        assert 1800 - 30 <= used[0] <= 1800 + 30
        assert tickets_behind(report, "times/first/count") == [first.id]
        assert tickets_behind(report, "overview/answers") == [second.id]


def test_a_figure_is_named_by_table_line_and_column() -> None:
    with memory() as tx:
        life = Life(tx, 5)
        life.run(80)
        report, _ = report_on(tx, life, Period(START, START + 30 * DAY, BERLIN), now=START + 30 * DAY)
        one = tickets_behind(report, "overview/mails/count")
        assert one
        assert tickets_behind(report, "overview/mails") == one
        assert set(one) <= set(tickets_behind(report, "overview") or ())
        assert tickets_behind(report, "overview/nothing") is None


def test_hours_that_come_twice_are_one_line() -> None:
    """On 2026-10-25 clocks in Berlin go back from three to two."""
    twice = [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]
    with memory() as tx:
        life = Life(tx, 1)
        for moment in twice:
            life.now = moment.timestamp()
            while life.opens().desk != "support":
                pass
        period = Period(twice[0].timestamp() - DAY, twice[1].timestamp() + DAY, BERLIN)
        report = make_report(tx, {"support": life.desks["support"].calendar}, period, period.end)
        (hours,) = (table for table in report.tables if table.name == "hour")
        opened = [column.name for column in hours.columns].index("opened")
        by_hour = {line.name: line.values[opened] for line in hours.lines if line.values[opened]}
        assert set(by_hour) == {"02"}
