"""How much mail, by a simulation of queues with times that were measured: ``python -m bench.simulate``

Measures what a mail takes (bench/simulate_measure.py), compares the simulation with the real daemon under
load, and tells how many mails a second so many workers and nodes file, and how long a mail waits at so many
mails a day.  Best as root and before other work (``chrt -r 1``), or a neighbour is measured, too.

    --times FILE    keep what was measured there, or take it from there; then nothing is measured
    --points FILE   the same for the runs of the real daemon

It is true for short mails and the core chain as measured (``--chain`` adds milliseconds of further stages),
an even spread over the workers, and a disk as fast as today's.  It stops being true

  - where the database's server computes more than its machine has cores: it is given its own machine here;
  - above half a million mails a day and desk in a folder: the IMAP server, not mailproc, then sets the pace;
  - with mails of megabytes, which take memory and bandwidth, not queues;
  - in a burst that fills `limits.backlog`: then Postfix keeps the mail, and waiting moves there;
  - where the relay or a look-up is slow: its waiting is nobody's CPU, and is not simulated.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.simulate_day import OFFICE, WORLD, backlog, peak
from bench.simulate_measure import Point, of_agents, point, times_of, with_wire
from bench.simulate_model import Batch, Plant, Times, closed, most, open_

STORES = ("sqlite", "postgresql")
SESSIONS = 16
LASTS = 120.0  # seconds of an open run
MAILS_A_DAY = (1_000, 10_000, 100_000, 1_000_000, 3_000_000, 10_000_000)
ROUND_TRIPS = 7  # for a mail, of its 16 statements: the others need no answer (docs/performance.md)
NETWORK = 0.0003  # seconds of a round trip to a database on another machine


def compare(points: list[Point], times: Mapping[str, Times]) -> Iterator[tuple[str, int, str, float, float]]:
    """What was measured (medians) and what the simulation says, for each kind of run."""
    for store, workers in dict.fromkeys((each.store, each.workers) for each in points):
        seen = [each for each in points if (each.store, each.workers) == (store, workers)]
        share = statistics.median(p.share for p in seen)
        client = statistics.median(p.client for p in seen)
        accepted = statistics.median(p.accepted for p in seen)
        tickets = statistics.median(p.tickets for p in seen)
        plant, mails = Plant(workers, 1, 2, share), 3000
        run = closed(plant, replace(times[store], client=client), mails=mails, sessions=SESSIONS)
        yield store, workers, "250s/s", accepted, mails / run.seconds
        yield store, workers, "tickets/s", tickets, mails / run.filed


def over_network(times: Times) -> Times:
    """The database on a machine of its own: its CPU is not ours, and every round trip takes time."""
    filing = times.filing
    idle = filing.idle + filing.server + ROUND_TRIPS * NETWORK
    return replace(
        times,
        filing=replace(filing, server=0.0, idle=idle, once=filing.once + NETWORK),
        accepting=replace(times.accepting, server=0.0, once=times.accepting.once + NETWORK),
    )


def capacities(times: Mapping[str, Times]) -> Iterator[tuple[str, int, int, float, float]]:
    """Of store, nodes and workers on each: mails a second filed in a run, and by volumes alone."""
    for store, nodes, workers in (
        ("sqlite", 1, 1), ("sqlite", 1, 2), ("sqlite", 1, 4), ("postgresql", 1, 1), ("postgresql", 1, 2),
        ("postgresql", 2, 2), ("postgresql", 4, 2), ("postgresql", 8, 2),
    ):  # fmt: skip
        mine = replace(times[store], client=0.0)
        mine = over_network(mine) if nodes > 1 else mine
        plant = Plant(workers, nodes, max(2, workers))
        run = closed(plant, mine, mails=6000, sessions=32 * nodes)
        yield store, nodes, workers, 6000 / run.filed, most(plant, mine)


def waits(times: Mapping[str, Times], shape: tuple[int, ...]) -> Iterator[tuple[str, int, str, str]]:
    """How long a mail waits in the best hour of a day, by mails a day; two workers."""
    plant = Plant(workers=2)
    for store in STORES:
        mine = replace(times[store], client=0.0, copy=0.0)
        capacity = most(plant, mine)
        for mails in MAILS_A_DAY:
            rate = peak(shape, mails)
            if rate < 0.95 * capacity:
                run = open_(plant, mine, rate=rate, seconds=max(LASTS, 200 / rate))
                median, slow = (1000 * run.percentile(run.delays, percent) for percent in (50, 99))
                told = f"ticket after {median:.0f} ms, 99 % within {slow:.0f} ms"
            else:
                left = backlog(shape, mails, 0.95 * capacity)
                told = f"up to {left.mails:,.0f} wait, {left.seconds / 60:,.0f} min; {left.hours:.1f} h a day"
            yield store, mails, f"{rate:.1f}/s, {rate / capacity:.0%}", told


def by_desks(times: Times) -> Iterator[tuple[int, float, float]]:
    """Of a number of desks: copies a second that their folders take, and agents' answers a second that a
    worker's CPU allows."""
    for desks in (1, 2, 5, 10):
        yield desks, desks / times.copy, 1 / times.answer


def kept(path: Path | None, make: Callable[[], Any]) -> Any:
    """What stands in the file, or what is made and then put there."""
    if path is not None and path.exists():
        return json.loads(path.read_text())
    made = make()
    if path is not None:
        path.write_text(json.dumps(made, indent=1))
    return made


def times_from(found: Mapping[str, Any]) -> Times:
    batches = {name: Batch(**found[name]) for name in ("accepting", "filing")}
    return Times(**{**found, **batches})


def measure_points(mails: int, rounds: int) -> list[dict[str, Any]]:
    runs = [(store, workers) for store in STORES for workers in (1, 2)] * rounds
    return [asdict(point(store, workers, mails)) for store, workers in runs]


def measure_times(points: list[Point]) -> dict[str, Any]:
    """The wire is what SQLite's single worker took more: in a file nobody else's CPU is counted."""
    alone = min((p for p in points if (p.store, p.workers) == ("sqlite", 1)), key=lambda p: p.cpu)
    copy, answer = of_agents()
    here = with_wire(times_of("sqlite"), alone)
    found = {
        "sqlite": here,
        "postgresql": replace(times_of("postgresql"), wire=here.wire, client=here.client),
    }
    return {store: asdict(replace(times, copy=copy, answer=answer)) for store, times in found.items()}


def print_times(times: Mapping[str, Times]) -> None:
    print(f"{'of one mail, ms':<44}{'SQLite':>12}{'PostgreSQL':>12}")
    rows: dict[str, Callable[[Times], float]] = {
        "session, CPU": lambda each: each.wire,
        "taking in, CPU": lambda each: each.accept + each.accepting.each,
        "chain, CPU": lambda each: each.chain,
        "filing, CPU of the worker": lambda each: each.filing.each,
        "CPU of the database's server": lambda each: each.filing.server + each.accepting.server,
        "a transaction that takes in, once": lambda each: each.accepting.once,
        "a transaction that files, once": lambda each: each.filing.once,
        "a copy in the folder, one after the other": lambda each: each.copy,
        "an answer, CPU": lambda each: each.answer,
    }
    for name, get in rows.items():
        print(f"{name:<44}" + "".join(f"{1000 * get(times[store]):>12.2f}" for store in STORES))


def print_tables(points: list[Point], times: Mapping[str, Times]) -> None:
    print_times(times)
    print(f"\n{'measured and simulated':<34}{'measured':>12}{'simulated':>12}{'error':>8}")
    for store, workers, what, measured, simulated in compare(points, times):
        name = f"{store}, {workers} worker{'s' * (workers > 1)}, {what}"
        print(f"{name:<34}{measured:>12,.0f}{simulated:>12,.0f}{simulated / measured - 1:>+8.0%}")
    print(f"\n{'store, nodes × workers':<34}{'tickets/s':>12}{'at most':>12}")
    for store, nodes, workers, filed, bound in capacities(times):
        print(f"{f'{store}, {nodes} × {workers}':<34}{filed:>12,.0f}{bound:>12,.0f}")
    for title, shape in (("an even day (the world's)", WORLD), ("an office's day", OFFICE)):
        print(f"\n{title}; two workers")
        for store, mails, busy, told in waits(times, shape):
            print(f"{store:<12}{mails:>12,} a day, at best {busy:<14} {told}")
    print("\ndesks, copies a second, answers a second and core")
    for desks, copies, answers in by_desks(times["sqlite"]):
        print(f"{desks:>5}{copies:>12,.0f}{answers:>12,.0f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--times", type=Path)
    parser.add_argument("--points", type=Path)
    parser.add_argument("--mails", type=int, default=2000, help="of each run of the real daemon")
    parser.add_argument("--rounds", type=int, default=1, help="of these runs")
    parser.add_argument("--chain", type=float, default=0.0, help="ms of CPU that further stages take")
    options = parser.parse_args()
    points = [
        Point(**each) for each in kept(options.points, lambda: measure_points(options.mails, options.rounds))
    ]
    found = kept(options.times, lambda: measure_times(points))
    times = {store: times_from(each) for store, each in found.items()}
    more = {store: replace(each, chain=each.chain + options.chain / 1000) for store, each in times.items()}
    print_tables(points, more)
    return 0


if __name__ == "__main__":
    sys.exit(main())
