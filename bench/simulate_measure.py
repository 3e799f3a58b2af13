"""What the simulation needs to know, measured in half a minute: what a mail takes of what.

Taking in, judging and filing are done in this process, as a worker does them, with the default store's
transactions timed from within.  The session's cost and the load generator's are what a daemon under
``bench.load`` takes more; a copy in the folder and an answer are measured at a daemon with a real Dovecot.
Times of CPU are those of threads and processes, so that neighbours on the machine change them little; how
much of a core is left to us is measured, too, right before each run that is compared with.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.in_process import SQLITE, Mails, make_mails, worker_parts
from bench.injector import RECIPIENT
from bench.load import Load, cpu_of, measure, running, usage
from bench.simulate_model import Batch, Times
from mailproc.app import Parts
from mailproc.model.address import Address
from mailproc.store.group_commit import GroupCommit
from mailproc.store.postgres import lane, threads
from tests.rig.store_server import StoreServer

MAILS = 384
AT_ONCE = 16  # sessions
SPINNING = 0.5  # seconds


@dataclass
class Spent:
    """Of a kind of call: seconds that went by in each, without those ``inside``, and CPU of the thread."""

    walls: list[float] = field(default_factory=list)
    cpu: float = 0.0

    @property
    def wall(self) -> float:
        return sum(self.walls)


@contextmanager
def timed(where: Any, name: str, inside: Spent | None = None) -> Iterator[Spent]:
    """Times every call of a function while the block runs."""
    spent, original, inner = Spent(), getattr(where, name), inside or Spent()

    def call(*args: Any) -> Any:
        wall, cpu = time.perf_counter() - inner.wall, time.thread_time()
        try:
            return original(*args)
        finally:
            spent.walls.append(time.perf_counter() - inner.wall - wall)
            spent.cpu += time.thread_time() - cpu

    setattr(where, name, call)
    try:
        yield spent
    finally:
        setattr(where, name, original)


@dataclass(frozen=True)
class Phase:
    """Of one mail: CPU beside the transactions, and what those took."""

    beside: float
    batch: Batch
    reading: float = 0.0  # seconds in which it waits for what it asked the server


async def _phase(work: Callable[[], Any], mails: int, server: StoreServer | None) -> Phase:
    before, cpu = server_cpu(server), time.process_time()
    with ExitStack() as stack:
        if server is None:
            work_ = stack.enter_context(timed(GroupCommit, "_run_job"))
            whole = stack.enter_context(timed(GroupCommit, "_try", work_))
        else:
            work_ = stack.enter_context(timed(lane, "_work"))
            whole = stack.enter_context(timed(lane.Lane, "_commit_together", work_))
        asked = stack.enter_context(timed(threads.Reader, "run"))
        await work()
    cpu = time.process_time() - cpu
    there = (server_cpu(server) - before) / mails
    once = statistics.median(whole.walls)  # now and then the disk does something for others
    each = whole.cpu / mails if server else work_.cpu / mails
    idle = 0.0 if server is None else max(0.0, (work_.wall - work_.cpu) / mails - there)
    return Phase(max(0.0, cpu - whole.cpu) / mails, Batch(once, each, there, idle), asked.wall / mails)


async def of_worker(folder: Path, server: StoreServer | None) -> Times:
    """What a worker does, on a store of its own; the wire is not in it."""
    made = make_mails(MAILS + AT_ONCE)
    url = server.new_schema() if server else SQLITE
    async with worker_parts(folder, url) as parts:
        await _take_in(parts, made[:AT_ONCE])
        await parts.processor.drain()  # what is made once is not counted
        accepting = await _phase(lambda: _take_in(parts, made[AT_ONCE:]), MAILS, server)
        filing = await _phase(parts.processor.drain, MAILS, server)
    return Times(
        wire=0.0,
        accept=accepting.beside,
        chain=filing.beside,
        reading=filing.reading,
        accepting=accepting.batch,
        filing=filing.batch,
        shares_writer=server is None,
    )


async def _take_in(parts: Parts, mails: Mails) -> None:
    async def session(first: int) -> None:
        for sender, raw in mails[first::AT_ONCE]:
            (reply,) = await parts.intake.accept(Address.parse(sender), [Address.parse(RECIPIENT)], raw)
            assert reply.code == 250, reply

    await asyncio.gather(*map(session, range(AT_ONCE)))


def server_cpu(server: StoreServer | None) -> float:
    """Seconds that a database server's processes have used up to now."""
    return cpu_of(Path(f"/proc/{pid}") for pid in server.processes) if server else 0.0


# The machine


def share_of_a_core(cores: int) -> float:
    """How much of each core is left to us while we want all of them."""
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        return sum(pool.map(_spin, [SPINNING] * cores, chunksize=1)) / cores


def _spin(seconds: float) -> float:
    wall, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - wall < seconds:
        pass
    return (time.process_time() - cpu) / (time.perf_counter() - wall)


@dataclass(frozen=True)
class Point:
    """A run of the real daemon under load."""

    store: str
    workers: int
    share: float  # of a core
    accepted: float  # a second
    tickets: float  # a second
    cpu: float  # of the daemon, seconds for a mail
    client: float  # of the generator, seconds for a mail


def point(store: str, workers: int, mails: int) -> Point:
    before = share_of_a_core(os.cpu_count() or 1)
    with running(workers, store) as site:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures = measure(site, Load(mails=mails))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    share = (before + share_of_a_core(os.cpu_count() or 1)) / 2
    client = (after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime) / mails
    return Point(
        store,
        workers,
        share,
        figures.accepted_per_second,
        figures.tickets_per_second,
        figures.cpu_ms_per_mail / 1000,
        client,
    )


def times_of(store: str) -> Times:
    """Of a worker on this store, measured anew; the wire, the folder and answers are missing."""
    with tempfile.TemporaryDirectory(prefix="mailproc-bench-") as folder, ExitStack() as stack:
        server = None
        if store == "postgresql":
            server = StoreServer(durable=True)
            stack.callback(server.remove)
        return asyncio.run(of_worker(Path(folder), server))


def with_wire(times: Times, seen: Point) -> Times:
    """What a daemon took more than its parts is the session's; the generator's cost is as it was seen."""
    inside = times.accept + times.chain + times.accepting.each + times.filing.each
    return replace(times, wire=max(0.0, seen.cpu - inside), client=seen.client)


# The folder and the agents


def of_agents(mails: int = 300, answers: int = 60) -> tuple[float, float]:
    """Seconds that a copy takes in the folder, one after the other, and CPU that an answer takes."""
    from bench.soak_site import soak_site  # as root, with Dovecot
    from tests.rig.injector import Injector
    from tests.rig.staff import answer
    from tests.rig.waiting import eventually

    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mailproc-bench-"))
        with soak_site(Path(folder), "sqlite") as site:
            staff = site.staff
            began = time.monotonic()
            injector = Injector(staff.daemon, range(mails), size=5120)
            injector.start()
            injector.join(120)
            shown = "SELECT count(*) FROM folder_copy WHERE place = 'new'"
            eventually(lambda: site.count(shown) == mails, seconds=120, every=0.1)
            copy = (time.monotonic() - began) / mails
            before = usage(staff.daemon).cpu
            with staff.sender("alice") as session:
                for number in range(answers):
                    session.send_message(answer("alice", number))
            left = "SELECT count(*) FROM outbox WHERE kind = 'reply' AND state = 'sent'"
            eventually(lambda: site.count(left) == answers, seconds=120, every=0.1)
            return copy, (usage(staff.daemon).cpu - before) / answers
