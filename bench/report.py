"""How long a report takes on a large store, and what the indexes that it needs cost the intake.

    nice -n 15 .venv/bin/python -m bench.report [--messages N] [--store FILE] [--runs N]

Makes a store of made-up tickets, almost three messages and nine events to each, spread over a year with
working hours and weekends; a store that is there is used as it is.  What reports want to know of tickets at
rest is found out as the daemon does it, without its pauses.

Then ``mailproc report`` is run on the last full month, on a month half a year ago and on the whole year: the
CPU that the command takes, from the start of Python to its end, and the largest memory.  Each in turn with
what is known of tickets (``kept``) and as if nothing were (``walked``), medians; the texts must be equal.
``start`` is ``mailproc report --help``.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mailproc.clock import VARIABLE
from mailproc.model.calendar import Calendar
from mailproc.model.hours import make_week, parse_hours
from mailproc.reports.keep import find, is_behind, put
from mailproc.reports.stamp import Stamps
from mailproc.store.sqlite import connect, open_sqlite, read_once, write_once

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC).timestamp()
YEAR = 365 * 86400.0
BERLIN = ZoneInfo("Europe/Berlin")
AGENTS = ("alice", "bob", "carla", "dora", "emil", "fritz")
DESKS = ("support", "billing")
TOPICS = ("invoice", "delivery", "returns", "login", "press", "")
LANGUAGES = ("de", "en", "fr", "")
MESSAGES = 2.75  # of a ticket
BATCH = 5_000  # tickets
PERIODS = {
    "last month": ("2026-10", "2026-10"),
    "half a year ago": ("2026-05", "2026-05"),
    "the year": ("2025-12", "2026-11"),
}
HOURS = "09:00-12:00, 13:00-17:00"
CALENDAR = Calendar(make_week([parse_hours(HOURS)] * 5 + [()] * 2), BERLIN, name="office")
CONFIGURATION = (
    """
hostname = "mail.example.org"
[store]
url = "sqlite:{store}"
[calendar.office]
timezone = "Europe/Berlin"
weekdays = "09:00-12:00, 13:00-17:00"
"""
    + "\n".join(
        f"""
[desk.{desk}]
addresses = ["{desk}@example.org"]
agents = {list(AGENTS)}
calendar = "office"
[[desk.{desk}.target]]
first = "4h"
next = "8h"
solution = "40h"
"""
        for desk in DESKS
    )
    + "\n".join(
        f"""
[agent.{agent}]
address = "{agent}@example.org"
"""
        for agent in AGENTS
    )
)


class Run(NamedTuple):
    """Seconds, KiB, and what was printed."""

    wall: float
    cpu: float
    memory: int
    text: str


Row = tuple[object, ...]


def main() -> None:
    """Make the store where it is not there, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.store or Path(folder) / "mailproc.db"
        if not path.exists():
            fill(path, arguments.messages)
        keep(path)
        count(path)
        site = Path(folder) / "mailproc.toml"
        site.write_text(CONFIGURATION.format(store=path.absolute(), folder=folder))
        measure(site, path, arguments.runs)


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


def keep(path: Path) -> None:
    """Find out what is to be known of all tickets."""
    open_sqlite(path)
    stamps, began, rows = Stamps(dict.fromkeys(DESKS, CALENDAR)), time.process_time(), 0
    while read_once(path, lambda tx: is_behind(tx, stamps, NOW)):
        found = read_once(path, lambda tx: find(tx, stamps, NOW))
        write_once(path, functools.partial(put, found=found))
        rows += len(found.kept)
    if rows:
        print(f"{rows:,} summaries in {time.process_time() - began:.1f} s of CPU\n")


def measure(site: Path, store: Path, runs: int) -> None:
    """Each command in turn with the others, medians."""
    print(f"{'start':<16} {statistics.median(run(site, '--help').cpu for _ in range(runs)):6.2f} s cpu")
    for name, (first, last) in PERIODS.items():
        asked = ("--from", first, "--to", last)
        kept, walked = [], []
        for _ in range(runs):
            kept.append(run(site, *asked))
            with nothing_known(store):
                walked.append(run(site, *asked))
        assert len({each.text for each in (*kept, *walked)}) == 1, "the reports differ"
        print(f"{name:<16} {shown(kept)} kept   {shown(walked)} walked")


def shown(runs: list[Run]) -> str:
    cpu = statistics.median(each.cpu for each in runs)
    wall = statistics.median(each.wall for each in runs)
    return f"{cpu:6.2f} s cpu {wall:6.2f} s wall {max(each.memory for each in runs) / 1024:5.0f} MiB"


def run(site: Path, *asked: str) -> Run:
    """``mailproc report`` in a process of its own, at the moment at which the store was made."""
    moment = site.with_name("now")
    moment.touch()
    os.utime(moment, (NOW, NOW))
    command = [sys.executable, "-m", "mailproc", "-c", str(site), "report", *asked]
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, VARIABLE: str(moment)}
    ) as process:
        assert process.stdout is not None
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, text
    return Run(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, text)


@contextmanager
def nothing_known(path: Path) -> Iterator[None]:
    """As long as this lasts: the mark is so far behind that no summary is believed."""
    raw = connect(path)
    (event,) = raw.execute("SELECT event FROM summary_mark").fetchone()
    raw.execute("UPDATE summary_mark SET event = 0")
    try:
        yield
    finally:
        raw.execute("UPDATE summary_mark SET event = ?", (event,))
        raw.close()


if __name__ == "__main__":
    main()
