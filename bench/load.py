"""How many mails a second, from the socket to the ticket: the daemon as a user runs it, under load.

Starts ``mailproc serve`` in a temporary folder with the chain automatic, ticket, acknowledge (no relay: the
acknowledgements wait in the outbox), delivers distinct mails by LMTP and prints a table, or JSON with
``--json``.  Run it as ``make bench``; it ends with 1 when a mail is missing or the floor is not reached.

    250s/s      mails answered 250, that is on disk, a second
    tickets/s   mails that are tickets a second, from the first connection to the last ticket
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.chain import TOKENS, trained_store
from mailproc.config import DEFAULT_CHAIN
from tests.rig.daemon import CORE_CHAIN, Daemon
from tests.rig.store_server import StoreServer
from tests.rig.waiting import eventually

FLOOR = {"250s/s": 1000.0, "tickets/s": 700.0}  # two cores, 5 KiB, the load on the same cores
NO_LIMITS = """\
[stage.acknowledge]
per_sender = 1000000
unvouched_per_sender = 1000000
per_domain = 1000000
total = 1000000
unvouched = 1000000
"""


@dataclass(frozen=True)
class Load:
    """What a generator sends."""

    mails: int = 10_000
    sessions: int = 16
    size: int = 5120  # octets of one mail
    corpus: Path | None = None  # a folder of real mails to send instead
    smtp_source: bool = False  # by Postfix's generator
    rate: float = 0.0  # mails a second; 0: as fast as they are taken


@dataclass(frozen=True)
class Usage:
    """What the daemon and its children have used up to now."""

    cpu: float  # seconds
    peak: int  # bytes of the largest process, ever resident at once


@dataclass(frozen=True)
class Figures:
    mails: int
    sessions: int
    size: int  # octets of one mail
    accepted: int
    accepted_per_second: float
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    within_20_ms: float | None  # share of the mails
    all_tickets_after: float  # seconds since the first connection
    tickets_per_second: float
    cpu_ms_per_mail: float
    peak_mib: float


def processes_of(group: int) -> list[Path]:
    """The /proc folders of all processes in a process group."""
    return [
        folder
        for folder in Path("/proc").glob("[0-9]*")
        if (stat := read_or_empty(folder / "stat")) and int(stat.rpartition(")")[2].split()[2]) == group
    ]


def read_or_empty(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended
        return ""


def cpu_of(processes: Iterable[Path]) -> float:
    """Seconds that processes have used up to now, by their /proc folders."""
    stats = [read_or_empty(folder / "stat").rpartition(")")[2].split() for folder in processes]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats if fields) / os.sysconf("SC_CLK_TCK")


def usage(daemon: Daemon) -> Usage:
    processes, peak = processes_of(daemon.pid), 0
    for folder in processes:
        for line in read_or_empty(folder / "status").splitlines():
            if line.startswith("VmHWM:"):
                peak = max(peak, int(line.split()[1]) * 1024)
    return Usage(cpu_of(processes), peak)


@dataclass(frozen=True)
class Site:
    """A daemon, and the server that its store is on; none where that is a file."""

    daemon: Daemon
    server: StoreServer | None

    def waiting(self) -> int:
        """Deliveries that are not through the chain; asks the database, for a command would cost CPU."""
        ask = "SELECT count(*) FROM delivery WHERE state = 'waiting'"
        if self.server is not None:
            return int(self.server.ask(ask, self.server.url_of("site1"))[0][0])
        with closing(sqlite3.connect(f"file:{self.daemon.database}?mode=ro", uri=True)) as connection:
            return int(connection.execute(ask).fetchone()[0])


@contextmanager
def running(
    workers: int,
    store: str = "sqlite",
    base: Path | None = None,
    filled: Path | None = None,
    chain: tuple[str, ...] = CORE_CHAIN,
) -> Iterator[Site]:
    """A site on a store of its own, the server's commits on disk as the file's are; ``filled`` is an SQLite
    file whose copy it begins with."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mailproc-bench-", dir=base))
        server = StoreServer(durable=True) if store == "postgresql" else None
        if server is not None:
            stack.callback(server.remove)
        url = server.new_schema() if server is not None else ""
        daemon = Daemon(Path(folder), top=f"workers = {workers}", tables=NO_LIMITS, store=url, chain=chain)
        stack.callback(daemon.clean_up)
        if filled is not None:
            daemon.database.parent.mkdir(mode=0o700, exist_ok=True)
            lay_copy(filled, daemon.database)
        daemon.start()
        if store == "sqlite":  # which is read from end to end at the start
            eventually(lambda: "is sound" in daemon.log(), seconds=300.0)
        yield Site(daemon, server)
        daemon.stop()


def lay_copy(store: Path, place: Path) -> None:
    """Copy it onto the disk: what was still to be written would go with the daemon's first checkpoint."""
    shutil.copyfile(store, place)
    place.chmod(0o600)
    with place.open("rb") as copy:
        os.fsync(copy.fileno())


def inject(port: int, load: Load, *more: str) -> dict[str, Any]:
    """By our own generator; ``more`` are further options of its command line."""
    command = [sys.executable, "-m", "bench.injector", f"--port={port}", f"--size={load.size}", *more]
    command += [f"--count={load.mails}", f"--sessions={load.sessions}", f"--rate={load.rate}"]
    if load.corpus:
        command.append(f"--corpus={load.corpus}")
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def inject_by_smtp_source(port: int, load: Load) -> dict[str, Any]:
    """Postfix's own generator: one sender, each mail with another Message-ID.  It measures no latency."""
    program = shutil.which("smtp-source", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if program is None:
        raise SystemExit("smtp-source is part of Postfix: make peers")
    command = [program, "-L", "-d", "-l", str(load.size), "-m", str(load.mails), "-s", str(load.sessions)]
    command += ["-f", "customer@shop.example", "-t", "support@example.org", f"inet:127.0.0.1:{port}"]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return {"seconds": time.perf_counter() - start, "accepted": load.mails, "replies": {}}


def measure(site: Site, load: Load) -> Figures:
    """Load a running daemon; AssertionError when not every acknowledged mail becomes a ticket in time."""
    daemon = site.daemon
    before, tickets = usage(daemon), daemon.status()["new"]
    start = time.perf_counter()
    answer = (inject_by_smtp_source if load.smtp_source else inject)(daemon.lmtp_port, load)
    own_start = time.perf_counter() - answer["seconds"]  # without the time the generator took to begin
    eventually(lambda: site.waiting() == 0, seconds=600.0)
    end, after = time.perf_counter(), usage(daemon)
    status = daemon.status()
    begun = max(start, own_start)
    if status["new"] - tickets != answer["accepted"] and not load.corpus:
        raise AssertionError(
            f"{answer['accepted']} mails were answered 250, but: {status}; {answer['replies']}"
        )
    return Figures(
        mails=load.mails,
        sessions=load.sessions,
        size=load.size,
        accepted=answer["accepted"],
        accepted_per_second=answer["accepted"] / answer["seconds"],
        p50_ms=answer.get("p50_ms"),
        p99_ms=answer.get("p99_ms"),
        max_ms=answer.get("max_ms"),
        within_20_ms=answer.get("within_20_ms"),
        all_tickets_after=end - begun,
        tickets_per_second=answer["accepted"] / (end - begun),
        cpu_ms_per_mail=1000 * (after.cpu - before.cpu) / max(1, answer["accepted"]),
        peak_mib=after.peak / 2**20,
    )


COMPARED: dict[str, Callable[[Figures], float]] = {
    "250s/s": lambda figures: figures.accepted_per_second,
    "tickets/s": lambda figures: figures.tickets_per_second,
    "250 after the final dot, p50, ms": lambda figures: figures.p50_ms or 0.0,
    "250 after the final dot, p99, ms": lambda figures: figures.p99_ms or 0.0,
    "CPU of the daemon a mail, ms": lambda figures: figures.cpu_ms_per_mail,
}


def print_table(figures: Figures) -> None:
    def milliseconds(value: float | None) -> str:
        return "–" if value is None else f"{value:.1f} ms"

    rows = [
        ("mails, octets each, sessions", f"{figures.mails:,} × {figures.size:,}, {figures.sessions}"),
        ("250s/s (floor 1,000)", f"{figures.accepted_per_second:,.0f}"),
        ("250 after the final dot, p50", milliseconds(figures.p50_ms)),
        ("250 after the final dot, p99", milliseconds(figures.p99_ms)),
        ("250 after the final dot, slowest", milliseconds(figures.max_ms)),
        (
            "250 within 20 ms",
            "–" if figures.within_20_ms is None else f"{figures.within_20_ms:.1%}",
        ),
        ("all are tickets after", f"{figures.all_tickets_after:.2f} s"),
        ("tickets/s (floor 700)", f"{figures.tickets_per_second:,.0f}"),
        ("CPU of the daemon a mail", f"{figures.cpu_ms_per_mail:.2f} ms"),
        ("largest memory of the daemon", f"{figures.peak_mib:.0f} MiB"),
    ]
    for name, value in rows:
        print(f"{name:<34}{value:>20}")


def compare(load: Load, options: argparse.Namespace) -> int:
    """Both stores in turn, as the machine is never the same twice; the medians, and PostgreSQL's share."""
    found: dict[str, list[Figures]] = {"sqlite": [], "postgresql": []}
    for _ in range(options.compare):
        for store, figures in found.items():
            with running(options.workers, store, options.folder) as site:
                figures.append(measure(site, load))
    print(f"{'medians of ' + str(options.compare):<34}{'SQLite':>12}{'PostgreSQL':>12}{'share':>8}")
    for name, get in COMPARED.items():
        here, there = (statistics.median(map(get, figures)) for figures in found.values())
        print(f"{name:<34}{here:>12,.1f}{there:>12,.1f}{there / here:>8.0%}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="mails a second, from the socket to the ticket")
    parser.add_argument("--mails", type=int, default=Load.mails)
    parser.add_argument("--sessions", type=int, default=Load.sessions)
    parser.add_argument("--workers", type=int, default=2, help="processes of the daemon")
    parser.add_argument("--size", type=int, default=Load.size, help="octets of one mail")
    parser.add_argument("--corpus", type=Path, help="a folder of real mails to send instead")
    parser.add_argument("--smtp-source", action="store_true", help="load by Postfix's generator instead")
    parser.add_argument("--folder", type=Path, help="where to work; must be on a real disk")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--rate", type=float, default=0.0, help="mails a second; 0: as fast as they are taken"
    )
    parser.add_argument(
        "--filled", type=Path, help="an SQLite store to begin with a copy of (bench.report --store)"
    )
    parser.add_argument(
        "--whole-chain",
        action="store_true",
        help="all stages of the default chain, on an SQLite store that has learnt spam and topics",
    )
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--compare", type=int, default=0, metavar="ROUNDS", help="both stores in turn")
    options = parser.parse_args()
    if options.whole_chain and (options.filled or options.compare or options.store != "sqlite"):
        parser.error("--whole-chain makes an SQLite store of its own")
    load = Load(
        options.mails, options.sessions, options.size, options.corpus, options.smtp_source, options.rate
    )
    if options.compare:
        return compare(load, options)
    with ExitStack() as stack:
        filled: Path | None = options.filled
        chain: tuple[str, ...] = CORE_CHAIN
        if options.whole_chain:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mailproc-bench-"))
            filled, chain = asyncio.run(trained_store(Path(folder), TOKENS)), DEFAULT_CHAIN
        site = stack.enter_context(running(options.workers, options.store, options.folder, filled, chain))
        figures = measure(site, load)
    if options.json:
        print(json.dumps(asdict(figures)))
    else:
        print_table(figures)
    fast = figures.accepted_per_second >= FLOOR["250s/s"] and figures.tickets_per_second >= FLOOR["tickets/s"]
    return 0 if fast else 1


if __name__ == "__main__":
    sys.exit(main())
