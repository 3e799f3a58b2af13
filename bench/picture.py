"""Draw the picture of a report that README shows.

    .venv/bin/python -m bench.picture docs/report.svg

The chart of a month at an invented desk (names from example.org), as ``mailproc report --format html`` draws
it; the same command makes the same file.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment

from mailproc.desk.change import change_state
from mailproc.failpoint import NO_FAILPOINTS
from mailproc.model.calendar import Calendar
from mailproc.model.figures import Period, Report, figures
from mailproc.model.hours import make_week, parse_hours
from mailproc.model.target import Target
from mailproc.model.ticket import Direction, MessageStatus, Move, State, Ticket
from mailproc.reports.chart import make_chart
from mailproc.reports.gather import make_report
from mailproc.reports.shown import heading, shown
from mailproc.store.migrate import migrate
from mailproc.store.sqlite import SqliteConnection
from mailproc.store.tickets import NewMessage
from mailproc.store.transaction import Transaction
from tests.rig.tickets import new_ticket

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = 31
MIDNIGHT = datetime(2026, 10, 1, tzinfo=BERLIN)
HOUR = 3600.0
TARGET = Target("all", first=4 * HOUR, next=8 * HOUR, solution=40 * HOUR)
OFFICE = Calendar(make_week([parse_hours("09:00-17:00")] * 5 + [()] * 2), BERLIN, name="office")
TILES = {
    "overview/mails/count": "mails of customers",
    "overview/opened/count": "tickets opened",
    "overview/answers/count": "answers",
    "times/first/median": "first answer, median",
    "times/first/share": "first answer in time",
    "backlog/all/count": "not closed at the end",
}
TEMPLATE = Path(__file__).with_name("picture.svg.j2")


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.parse_args().file.write_text(draw(report()))


def report() -> Report:
    """On a month of the desk."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    migrate(raw, NO_FAILPOINTS)
    tx, chance = Transaction(SqliteConnection(raw)), random.Random(4)
    start = MIDNIGHT.timestamp()
    for day in range(DAYS):
        is_weekend = OFFICE.date_of(start + day * 24 * HOUR + HOUR).weekday() > 4
        for _ in range(chance.randint(1, 4) if is_weekend else chance.randint(9, 24)):
            happen(tx, chance, start + (day * 24 + chance.triangular(6, 22, 10)) * HOUR)
    end = start + DAYS * 24 * HOUR + HOUR  # clocks go back in October
    made = make_report(
        tx, {"support": OFFICE}, Period(start, end, BERLIN), end, lambda heads: [TARGET] * len(heads)
    )
    raw.close()
    return made


def happen(tx: Transaction, chance: random.Random, at: float) -> None:
    """A customer writes; mostly an agent answers in the next hours of work, and closes."""
    ticket = tx.tickets.open(new_ticket(f"{at:.3f}", at, subject="Question", customer="carla@example.org"))
    tx.history.add_event(ticket, "opened", ticket.customer, ticket.subject, at, State.NEW)
    for _ in range(chance.choice((1, 1, 1, 2))):
        write(tx, ticket, at, "")
    if chance.random() < 0.04:
        return
    at = OFFICE.after(at, chance.expovariate(1 / 1.6) * HOUR)
    write(tx, ticket, at, "alice")
    ticket = change_state(tx, ticket, Move.ANSWER, who="alice", owner="alice", now=at, detail="to carla")
    change_state(tx, ticket, Move.CLOSE, who="alice", now=at + 600)


def write(tx: Transaction, ticket: Ticket, at: float, agent: str) -> None:
    """A mail of the customer, or of an agent."""
    tx.tickets.add_message(
        ticket,
        NewMessage(
            delivery=None,
            sha256=b"",
            direction=Direction.OUT if agent else Direction.IN,
            sender="support@example.org" if agent else ticket.customer,
            recipients=("support@example.org",),
            subject=ticket.subject,
            date=at,
            message_id="",
            size=1,
            automatic="none",
            at=at,
            agent=agent,
            status=MessageStatus.SENT if agent else MessageStatus.RECEIVED,
        ),
    )


def draw(made: Report) -> str:
    """Its days as a chart, and the most important figures."""
    found = {figure.name: figure for figure in figures(made)}
    title, below = heading(made)
    tiles = [(words, shown(found[name].column, found[name].value)) for name, words in TILES.items()]
    (days,) = (table for table in made.tables if table.name == "day")
    template = Environment(autoescape=True, trim_blocks=True).from_string(TEMPLATE.read_text())
    return template.render(title=title, below=below, tiles=tiles, chart=make_chart(days))


if __name__ == "__main__":
    main()
