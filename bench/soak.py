"""An hour of mixed load with faults that are real, and then the oracle: ``python -m bench.soak``

The daemon with two workers, a real Dovecot, a relay, a disk and, where asked for, PostgreSQL of its own.
Customers write (also megabytes, bounces, absence notices, lists, spam, follow-ups by number), agents move
mail and answer.  Meanwhile processes are killed and frozen, and the relay, the IMAP server, the disk and the
database fail, as ``--seed`` draws it.  Processes are left alone in the last part, so that their memory can
be followed.  When all faults are over and all queues are empty, everything that anybody was told is compared
with the store, the folder and what left.  As root, with Debian's Dovecot (make peers); exit status 1 where
anything is wrong, and then the folder is kept.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.soak_faults import AROUND, OF_STORE, TO_THE_DAEMON, Lane, Mishaps
from bench.soak_oracle import Finding, findings, what_waits
from bench.soak_people import Agent, Books, Customer
from bench.soak_site import Site, soak_site

CUSTOMERS = 3
AGENTS = ("alice", "bob", "carol")
DISTURBED = 0.6  # of the time is the daemon's share of the faults; then its processes live on
PATIENCE = 900.0  # seconds until every queue must be empty
LARGEST = 220.0  # MiB of a worker: 150 of its own, and a mail of megabytes
STEEPEST = 24.0  # MiB an hour, over the second half of a worker's undisturbed life
SHORTEST = 600.0  # seconds of life from which growth says anything
LOOK = 5.0  # seconds between two looks at memory
# What the log may hold of a traceback: nothing.
TRACEBACK = re.compile(r"Traceback \(most recent call last\)")


@dataclass(frozen=True)
class Plan:
    minutes: float = 60.0
    seed: int = 1
    store: str = "sqlite"
    rate: float = 3.0  # mails a second, of all customers
    gap: float = 8.0  # seconds between two acts of one agent
    fault_gap: float = 20.0  # seconds between two faults of a lane


@dataclass
class Memory(threading.Thread):
    """Looks at the resident size of each worker; ``seen`` has seconds and MiB for each process."""

    site: Site
    seen: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        while not self.over.wait(LOOK):
            for pid in self.site.daemon.workers:
                size = resident(pid)
                if size:
                    self.seen.setdefault(pid, []).append((time.monotonic(), size))

    def largest(self) -> float:
        return max((size for sizes in self.seen.values() for _, size in sizes), default=0.0)

    def growths(self) -> list[float]:
        """MiB an hour over the second half of each life that was long enough."""
        lives = [life for life in self.seen.values() if life[-1][0] - life[0][0] >= SHORTEST]
        return [growth(life[len(life) // 2 :]) for life in lives]


def growth(points: list[tuple[float, float]]) -> float:
    """MiB an hour: the median of what each minute added to the one before.

    A mail of megabytes leaves a step, as memory that was used once is seldom given back; a leak grows on
    between the steps.  How high the steps go is what ``LARGEST`` bounds.
    """
    minutes: dict[int, list[float]] = {}
    for at, size in points:
        minutes.setdefault(int(at // 60), []).append(size)
    medians = [statistics.median(sizes) for _, sizes in sorted(minutes.items())]
    return 60 * statistics.median(after - before for before, after in itertools.pairwise(medians))


def resident(pid: int) -> float:
    """MiB; 0 where the process has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    findings: list[Finding]
    books: Books
    mishaps: Mishaps
    memory: Memory
    site: Site
    drained_after: float  # seconds after the last fault

    @property
    def is_good(self) -> bool:
        return not any(each.wrong for each in self.findings)


def soak(folder: Path, plan: Plan) -> Outcome:
    """One run; AssertionError where queues do not get empty."""
    with soak_site(folder, plan.store) as site:
        books, mishaps, memory = Books(), Mishaps(), Memory(site)
        memory.start()
        with people(site, books, plan):
            live_through(site, plan, mishaps)
        ended = time.monotonic()
        wait_until_done(site, ended + PATIENCE)
        drained = time.monotonic() - ended
        memory.over.set()
        found = list(findings(site, books, accidents=sum(mishaps.counts().values())))
        found += list(of_the_daemon(site, mishaps, memory))
        write_down(folder, mishaps, memory)
        return Outcome(found, books, mishaps, memory, site, drained)


def write_down(folder: Path, mishaps: Mishaps, memory: Memory) -> None:
    """What is asked for when something is wrong: seconds since the beginning, and what was then."""
    lines = [f"{at:8.1f} {name} {length:.1f}" for at, name, length in mishaps.done]
    (folder / "mishaps").write_text("\n".join(lines) + "\n")
    sizes = [
        f"{pid} {at - mishaps.began:8.1f} {size:.1f}"
        for pid, life in memory.seen.items()
        for at, size in life
    ]
    (folder / "memory").write_text("\n".join(sizes) + "\n")


def live_through(site: Site, plan: Plan, mishaps: Mishaps) -> None:
    seconds = 60 * plan.minutes
    around = AROUND + OF_STORE[plan.store]
    within = Lane(site, TO_THE_DAEMON, random.Random(f"{plan.seed} daemon"), plan.fault_gap, mishaps)
    beside = Lane(site, around, random.Random(f"{plan.seed} around"), plan.fault_gap, mishaps)
    within.start()
    beside.start()
    time.sleep(DISTURBED * seconds)
    within.end()
    time.sleep((1 - DISTURBED) * seconds)
    beside.end()


@contextmanager
def people(site: Site, books: Books, plan: Plan) -> Iterator[None]:
    """They work while the block runs, and then end what they have begun."""
    rates = plan.rate / CUSTOMERS
    customers = [Customer(site, books, random.Random(f"{plan.seed} {n}"), rates) for n in range(CUSTOMERS)]
    agents = [
        Agent(site, books, random.Random(f"{plan.seed} {name}"), name, (n, len(AGENTS)), plan.gap)
        for n, name in enumerate(AGENTS)
    ]
    everybody: list[Customer | Agent] = [*customers, *agents]
    with ExitStack() as stack:
        for each in everybody:
            each.start()
            stack.callback(each.join, PATIENCE)
        for each in everybody:
            stack.callback(each.end)
        yield


def wait_until_done(site: Site, deadline: float) -> None:
    while waiting := what_waits(site):
        if time.monotonic() > deadline:
            print(f"still waiting: {waiting}", file=sys.stderr)
            return  # the oracle says so
        time.sleep(1.0)


def of_the_daemon(site: Site, mishaps: Mishaps, memory: Memory) -> Iterator[Finding]:
    log = site.daemon.log()
    yield Finding("lines of the log: no traceback", log.count("\n"), tracebacks(log))
    wrong = [f"ended by itself with {status}" for status in site.statuses]
    yield Finding("starts of the daemon", site.starts, wrong + [f"{error!r}" for error in mishaps.errors])
    growths, largest = memory.growths(), memory.largest()
    wrong = [f"a worker of {largest:.0f} MiB"] if largest > LARGEST else []
    wrong += [f"{each:.1f} MiB an hour" for each in growths if each > STEEPEST]
    yield Finding("workers whose memory was followed", len(growths), wrong)


def tracebacks(log: str) -> list[str]:
    """The line before each, and the last line of it."""
    found = []
    for match in TRACEBACK.finditer(log):
        begin = log.rfind("\n", 0, max(0, match.start() - 1)) + 1
        rest = log[match.start() :].splitlines()
        folded = rest[0].split("\\n")
        plain = (line for line in rest[1:] if line and not line.startswith((" ", "\t")))
        last = folded[-1] if len(folded) > 1 else next(plain, "")
        found.append(f"{log[begin : match.start()].strip()[:160]} … {last[:200]}")
    return found


def print_tables(outcome: Outcome, plan: Plan) -> None:
    books, mishaps = outcome.books, outcome.mishaps
    print(f"{plan.minutes:g} minutes on {plan.store}, seed {plan.seed}")
    for title, counts in (
        ("mails of customers", Counter(each.kind for each in books.letters.values())),
        ("what customers were told", books.replies),
        ("moves of agents", books.moves),
        ("troubles of agents", books.troubles),
        ("faults", mishaps.counts()),
    ):
        print(f"\n{title}")
        for name, number in sorted(counts.items()):
            print(f"  {name:<50} {number:>8}")
    print(f"\n{'compared':<52} {'number':>8} {'wrong':>8}")
    for each in outcome.findings:
        print(f"{each.what:<52} {each.number:>8} {len(each.wrong):>8}")
        for wrong in each.wrong[:20]:
            print(f"    {wrong}")
    growths = ", ".join(f"{each:+.1f}" for each in outcome.memory.growths()) or "no life was long enough"
    print(f"\nqueues empty {outcome.drained_after:.0f} s after the last fault")
    print(f"largest worker {outcome.memory.largest():.0f} MiB; MiB an hour: {growths}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=Plan.minutes)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default=Plan.store)
    parser.add_argument("--rate", type=float, default=Plan.rate, help="mails a second")
    parser.add_argument("--gap", type=float, default=Plan.gap, help="seconds between two acts of one agent")
    parser.add_argument("--fault-gap", type=float, default=Plan.fault_gap, help="seconds between two faults")
    parser.add_argument("--folder", type=Path, help="where to work; on a real disk")
    parser.add_argument("--json", action="store_true", help="the findings as one JSON object")
    options = parser.parse_args()
    plan = Plan(options.minutes, options.seed, options.store, options.rate, options.gap, options.fault_gap)
    folder = Path(tempfile.mkdtemp(prefix="mailproc-soak-", dir=options.folder))
    outcome = soak(folder, plan)
    if options.json:
        print(
            json.dumps({each.what: {"number": each.number, "wrong": each.wrong} for each in outcome.findings})
        )
    else:
        print_tables(outcome, plan)
    if outcome.is_good:
        shutil.rmtree(folder)
        return 0
    print(f"what it left is in {folder}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
