"""One week of a simulated desk through the real daemon.

    python -m bench.desk [--days D] [--mails N] [--seed N] [--freeze]

Customers write by LMTP; their programs answer, and answers bounce; lists and spam come in.  Three agents of
two desks work in the folder by IMAP, answer by submission and use the command line; they are ill and on
holiday.  The daemon's clock is moved (docs/reference/faults.md), over the end of summer time and a holiday.
Each step of it ends the workers' leases; with ``--freeze`` workers stand still now and then besides.

The simulation keeps its own books, computes every clock, pause and due time of every ticket and every figure
of the report from them, minute by minute, and compares them with `mailproc ticket show`, `ticket list` and
`report`.  Prints a table; the exit status is 1 where anything differs.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.desk_agents import Agents
from bench.desk_clocks import DAY, HOUR, MINUTE
from bench.desk_customers import HAM, SPAM, Customers, letter
from bench.desk_figures import Expected, due_view, ticket_view
from bench.desk_freezer import Freezer
from bench.desk_office import KNOWN, Office
from bench.desk_rules import BERLIN, configuration
from bench.desk_site import SimulatedSite
from bench.desk_supervisor import Supervisor

BEGINS = datetime(2026, 10, 22, tzinfo=BERLIN)  # a Thursday; summer time ends on Sunday
LESSONS = 60  # mails of each kind that the spam filter learns before
AT_WORK = range(7, 20)  # hours in which agents do anything
Act = Callable[[], None]


@dataclass(frozen=True)
class Difference:
    where: str
    expected: object
    found: object


class Week:
    """A desk's life from ``BEGINS``."""

    def __init__(self, folder: Path, *, days: int, mails: int, seed: int) -> None:
        self.began = round(BEGINS.timestamp())
        self.ends = self.began + days * DAY * MINUTE
        self.site = SimulatedSite(folder, configuration())
        self.office = Office(self.site, random.Random(seed), self.began)
        self.acts = self._timetable(mails, days)

    def _timetable(self, mails: int, days: int) -> dict[int, list[Act]]:
        """What is tried at which minute: one thing at a time."""
        rng, customers, agents = self.office.rng, Customers(self.office), Agents(self.office)
        minutes = range(self.began + MINUTE, self.ends, MINUTE)
        working = [at for at in minutes if datetime.fromtimestamp(at, BERLIN).hour in AT_WORK]
        table: dict[int, list[Act]] = {}
        for act in rng.choices(*_weights(_of_customers(customers)), k=mails):
            table.setdefault(rng.choice(minutes), []).append(act)
        of_desk = _of_agents(agents) | _of_supervisor(Supervisor(self.office))
        for act in rng.choices(*_weights(of_desk), k=2 * mails):
            table.setdefault(rng.choice(working), []).append(act)
        plans = (agents.bob_goes_on_holiday, agents.carol_falls_ill, agents.alice_has_a_notice)
        for day, act in zip((0, 1, 5), plans, strict=True):
            if day < days:
                table[self.began + (day * DAY + 10 * HOUR) * MINUTE] = [act]
        return {at: acts[:1] for at, acts in table.items()}

    def run(self) -> None:
        """Live through it; AssertionError where the daemon does something else for half a minute."""
        self._teach()
        self.site.start(self.began)
        while self.office.now < self.ends or self._is_due():
            self.office.pass_time()
            planned = self.office.plans.pop(self.office.now, ())
            for act in (*self.acts.get(self.office.now, ()), *planned):
                act()
            self.office.count_minute()
            self.office.now += MINUTE
        self.office.begin()

    def _is_due(self) -> bool:
        """Whether this minute has anything of its own, so that the end must wait for the next one."""
        cases = self.office.cases
        waking = any(case.wakes == self.office.now for case in cases)
        silent = any(case.silent_since is not None and case.rules.close_after for case in cases)
        edge = silent and any((self.office.now - (c.silent_since or 0)) % (DAY * MINUTE) == 0 for c in cases)
        late = any(any(case.steps_due()) for case in cases)
        return waking or edge or late or bool(self.office.expired() or self.office.leaving)

    def _teach(self) -> None:
        """The spam filter knows both kinds beforehand."""
        for kind, texts in (("ham", HAM), ("spam", (SPAM,))):
            folder = self.site.clock.parent / kind
            folder.mkdir()
            for number in range(LESSONS):
                text, sender = texts[number % len(texts)], f"{kind}{number}@{kind}.example"
                mail = letter(
                    sender, "support@example.org", f"{text[:20]}", f"<{kind}-{number}@x.example>", text
                )
                (folder / f"{number}.eml").write_bytes(mail)
        self.site.move_clock(self.began)
        where = self.site.clock.parent
        self.site.daemon.output("spam", "train", "--ham", f"{where / 'ham'}", "--spam", f"{where / 'spam'}")

    # Comparing

    def differences(self) -> Iterator[tuple[str, int, list[Difference]]]:
        """What was compared, how many of it, and what differs."""
        now, cases = self.office.now, self.office.cases
        listed = {each["ticket"]: each for each in self.site.daemon.tickets()}
        wanted: dict[str, Any] = {case.number: due_view(case, now) for case in cases}
        yield "tickets", len(cases), list(_compare(dict.fromkeys(wanted, 1), dict.fromkeys(listed, 1)))
        found = {number: each["due"] for number, each in listed.items()}
        yield "what is due next", len(wanted), list(_compare(wanted, found))
        of_tickets: dict[str, list[Difference]] = {}
        views = 0
        for case in cases:
            shown = _shown(self.site.daemon.ticket(case.number))
            expected = ticket_view(case, now)
            views += len(case.clocks)
            for key, value in expected.items():
                of_tickets.setdefault(key, []).extend(
                    _compare({f"{case.number} {key}": value}, {f"{case.number} {key}": shown[key]})
                )
        for key, differences in of_tickets.items():
            yield f"ticket show: {key}", views if key == "clocks" else len(cases), differences
        figures = {each["figure"]: each["value"] for each in self._report()}
        expected_rows = Expected(self.office, self.began).rows()
        yield "figures of the report", len(figures), list(_compare(expected_rows, figures))
        yield "notices", sum(self.office.told.values()), list(_compare(dict(self.office.told), self._told()))

    def _report(self) -> list[dict[str, Any]]:
        return self.site.daemon.cli("report", "--from", f"{BEGINS.date()}")

    def _told(self) -> dict[str, int]:
        """What was put into the outbox, by its keys."""
        names = {"woken": "awake", "escalation": "escalation", "warning": "closing"}
        told = dict.fromkeys(self.office.told, 0)
        for row in self.site.rows("SELECT key FROM outbox"):
            name = names.get(row["key"].partition(":")[0])
            if name:
                told[name] = told.get(name, 0) + 1
        return told


def _of_customers(customers: Customers) -> dict[Act, float]:
    return {
        customers.writes: 8,
        customers.writes_again: 6,
        customers.is_out_of_office: 2,
        customers.bounces: 1,
        customers.writes_through_a_list: 1,
        customers.sends_spam: 1,
        customers.is_delivered_twice: 0.5,
        customers.writes_about_another_thing: 3,
    }


def _of_agents(agents: Agents) -> dict[Act, float]:
    return {
        agents.answers: 8,
        agents.claims: 4,
        agents.closes: 2,
        agents.collides: 1.5,
        agents.decides: 1,
        agents.snoozes: 1,
        agents.snoozes_in_the_folder: 1,
        agents.comes_too_late: 0.7,
        agents.hands_over: 0.7,
        agents.releases: 0.7,
        agents.reopens: 0.7,
        agents.answers_again: 0.5,
        agents.calls_spam: 0.3,
        agents.calls_ham: 0.3,
    }


def _of_supervisor(supervisor: Supervisor) -> dict[Act, float]:
    return {supervisor.merges: 2, supervisor.splits: 1, supervisor.moves: 0.7}


def _weights(acts: dict[Act, float]) -> tuple[list[Act], list[float]]:
    return list(acts), list(acts.values())


def _shown(ticket: dict[str, Any]) -> dict[str, Any]:
    """What ``ticket show`` says, in the shape of the books."""
    received = [each["automatic"] for each in ticket["messages"] if each["direction"] == "in"]
    events = [(each["at"], each["what"]) for each in ticket["events"] if each["what"] in KNOWN]
    return {**ticket, "tags": sorted(ticket["tags"]), "received": received, "events": sorted(events)}


def _compare(expected: dict[str, Any], found: dict[str, Any]) -> Iterator[Difference]:
    """Figures may be missing where they are zero, on either side."""
    for where in sorted({*expected, *found}):
        want, have = expected.get(where), found.get(where)
        close = isinstance(want, float) and isinstance(have, float | int) and abs(want - have) < 1e-6
        if want != have and not close and (want or have):
            yield Difference(where, want, have)


def play(
    folder: Path, *, days: int, mails: int, seed: int, freezes: bool = False
) -> list[tuple[str, int, list[Difference]]]:
    """A simulated desk in a folder, from beginning to end."""
    week = Week(folder, days=days, mails=mails, seed=seed)
    freezer = Freezer(week.site.daemon, random.Random(seed))
    try:
        if freezes:
            freezer.start()
        week.run()
        return list(week.differences())
    finally:
        if freezes:
            freezer.end()
        week.site.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--mails", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--freeze", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        compared = play(
            Path(folder),
            days=options.days,
            mails=options.mails,
            seed=options.seed,
            freezes=options.freeze,
        )
    print(f"{'compared':<32} {'number':>8} {'differ':>8}")
    for what, number, differences in compared:
        print(f"{what:<32} {number:>8} {len(differences):>8}")
        for each in differences[:20]:
            print(f"    {each.where}: the books say {each.expected}, mailproc says {each.found}")
    print(f"{options.days} days in {time.monotonic() - began:.0f} s")
    sys.exit(any(differences for _, _, differences in compared))


if __name__ == "__main__":
    main()
