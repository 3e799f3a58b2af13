"""How long a report takes on a large store, and what the indexes that it needs cost the intake.

    nice -n 15 .venv/bin/python -m bench.report [--messages N] [--store FILE]

Makes a store of made-up tickets, almost three messages and nine events to each, spread over a year with
working hours and weekends; a store that is there is used as it is.  Then reports on the last full month, on a
month half a year ago and on the whole year are made, each three times on a fresh connection: wall clock and
CPU of the best.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from mailproc.model.calendar import Calendar
from mailproc.model.figures import Period
from mailproc.model.hours import make_week, parse_hours
from mailproc.model.period import parse_period
from mailproc.model.target import Target
from mailproc.reports.gather import make_report
from mailproc.reports.text import report_text
from mailproc.store.figures import Case
from mailproc.store.sqlite import connect, open_sqlite, read_once

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC).timestamp()
YEAR = 365 * 86400.0
BERLIN = ZoneInfo("Europe/Berlin")
AGENTS = ("alice", "bob", "carla", "dora", "emil", "fritz")
DESKS = ("support", "billing")
TOPICS = ("invoice", "delivery", "returns", "login", "press", "")
LANGUAGES = ("de", "en", "fr", "")
MESSAGES = 2.75  # of a ticket
BATCH = 5_000  # tickets
TARGET = Target(first=4 * 3600, next=8 * 3600, solution=40 * 3600)
PERIODS = {
    "last month": ("", ""),
    "half a year ago": ("2026-05", "2026-05"),
    "the year": ("2025-12", "2026-11"),
}

Row = tuple[object, ...]


def main() -> None:
    """Make the store where it is not there, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.store or Path(folder) / "mailproc.db"
        if not path.exists():
            fill(path, arguments.messages)
        count(path)
        for name, (first, last) in PERIODS.items():
            measure(path, name, parse_period(first, last, NOW, BERLIN))


def fill(path: Path, messages: int) -> None:
    """Tickets in the order in which they were opened."""
    open_sqlite(path)
    chance = random.Random(1)
    tickets = int(messages / MESSAGES)
    raw = connect(path)
    raw.execute("PRAGMA synchronous = OFF")
    row = Numbers()
    for first in range(0, tickets, BATCH):
        cases = [
            Made(chance, row, number, tickets).rows() for number in range(first, min(first + BATCH, tickets))
        ]
        raw.execute("BEGIN")
        for place, statement in enumerate(STATEMENTS):
            raw.executemany(statement, (each for case in cases for each in case[place]))
        raw.execute("COMMIT")
        print(f"\r{first + BATCH:>9,} of {tickets:,} tickets", end="", file=sys.stderr)
    print(file=sys.stderr)
    raw.execute("ANALYZE")
    raw.close()


STATEMENTS = (
    """INSERT INTO ticket (id, number, desk, subject, subject_key, state, owner, customer, opened, updated,
           closed, topic, language, spam) VALUES (?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, 0.1)""",
    """INSERT INTO message (id, ticket, desk, sha256, direction, sender, recipients, subject, date,
           message_id, size, automatic, agent, status, at)
       VALUES (?, ?, ?, ?, ?, ?, '["support@example.org"]', ?, ?, ?, 4321, ?, ?, ?, ?)""",
    "INSERT INTO event (ticket, desk, at, what, who, detail, state) VALUES (?, ?, ?, ?, ?, ?, ?)",
)


class Numbers:
    """Rows of messages."""

    def __init__(self) -> None:
        self.message = 0


class Made:
    """One made-up ticket: its rows for each of the statements."""

    def __init__(self, chance: random.Random, row: Numbers, number: int, tickets: int) -> None:
        self.chance, self.row, self.which = chance, row, number + 1
        self.desk, self.owner = chance.choice(DESKS), chance.choice(AGENTS)
        self.customer = f"person{chance.randrange(50_000)}@domain{chance.randrange(3_000)}.example"
        self.at = self.opened = NOW - YEAR + YEAR * number / tickets
        self.subject = f"Something about order {chance.randrange(10**6)}"
        self.state = "new"
        self.messages: list[Row] = []
        self.events: list[Row] = []

    def rows(self) -> tuple[list[Row], list[Row], list[Row]]:
        chance = self.chance
        self.event("opened", self.customer, self.subject, "new")
        self.mail("in", chance.choices(("none", "list", "bounce"), (0.9, 0.07, 0.03))[0])
        self.event(chance.choice(("acknowledged", "not_acknowledged")), "mailproc", "null reverse-path")
        self.event("noted", "analyse", "language: German")
        for _ in range(chance.choice((0, 1, 1, 1, 2))):
            self.answer()
            if chance.random() < 0.75:
                self.follow_up()
        if chance.random() < 0.997:
            self.later(90_000)
            self.event("closed", "folder", "", "closed")
        closed = self.at if self.state == "closed" else None
        topic, language = chance.choice(TOPICS), chance.choice(LANGUAGES)
        ticket: Row = (
            *(
                self.which,
                f"T{self.which:010}",
                self.desk,
                self.subject,
                self.state,
                self.owner,
                self.customer,
            ),
            *(self.opened, self.at, closed, topic, language),
        )
        return [ticket], self.messages, self.events

    def later(self, seconds: float) -> None:
        self.at += self.chance.expovariate(1 / seconds)

    def event(self, what: str, who: str, detail: str, state: str | None = None) -> None:
        self.events.append((self.which, self.desk, self.at, what, who, detail, state))
        self.state = state or self.state

    def mail(self, direction: str, automatic: str = "none", agent: str = "") -> None:
        self.row.message += 1
        number, sender = self.row.message, "support@example.org" if agent else self.customer
        key, status = number.to_bytes(8, "big") * 4, "sent" if agent else "received"
        self.messages.append(
            (
                *(number, self.which, self.desk, key, direction, sender, self.subject, self.at),
                *(f"<{number}@example.org>", automatic, agent, status, self.at),
            )
        )

    def answer(self) -> None:
        self.later(20_000)
        self.event("claimed", self.owner, "", "claimed")
        self.later(4_000)
        self.mail("out", agent=self.owner)
        self.event("answered", self.owner, f"to {self.customer}", "answered")
        self.event("sent", "mailproc", "")

    def follow_up(self) -> None:
        self.later(80_000)
        self.mail("in")
        self.event("follow_up", self.customer, "the address holds a valid MAC", "claimed")


def count(path: Path) -> None:
    """What is in the store."""
    raw = connect(path)
    for table in ("ticket", "message", "event"):
        print(f"{table:<8} {raw.execute(f'SELECT count(*) FROM {table}').fetchone()[0]:>10,}")
    print(f"{'file':<8} {path.stat().st_size / 1e6:>10,.0f} MB\n")
    raw.close()


def measure(path: Path, name: str, period: Period) -> None:
    """The best of three."""
    week = make_week([parse_hours("09:00-12:00, 13:00-17:00")] * 5 + [()] * 2)
    calendar = Calendar(week, BERLIN, name="office")
    taken = list(timings(path, period, calendar))
    wall, cpu = min(taken)
    print(f"{name:<16} {wall:6.2f} s wall  {cpu:6.2f} s cpu")


def timings(path: Path, period: Period, calendar: Calendar) -> Iterator[tuple[float, float]]:
    for _ in range(3):
        wall, cpu = time.perf_counter(), time.process_time()
        report = read_once(
            path, lambda tx: make_report(tx, dict.fromkeys(DESKS, calendar), period, NOW, target_of)
        )
        assert report_text(report)
        yield time.perf_counter() - wall, time.process_time() - cpu


def target_of(_case: Case) -> Target:
    return TARGET


if __name__ == "__main__":
    main()
