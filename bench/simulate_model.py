"""mailproc as queues: sessions, workers on cores, one writer, and what a mail takes of each.

A worker is one thread of Python: it takes mail in, judges and, on SQLite, files, one at a time; clients that
wait go first.  What waits to be written goes in batches of up to 64.  SQLite has one writer, whose worker and
core stand still meanwhile; PostgreSQL has one for filing alone, and the worker does other things while the
server works.  Copies into a desk's folder are made one after the other by the one worker that watches it.
"""

from __future__ import annotations

import random
import statistics
from collections import deque
from dataclasses import dataclass, field

from bench.simulate_events import Hold, Process, Resource, Signal, Simulation, Take

MOST_AT_ONCE = 64  # mails in one transaction
LANES = 4  # mails that one worker has in the chain at once: limits.at_once
MOST_CLAIMED, MOST_CLAIMED_UNDER_PRESSURE = 128, 32  # as desk/processing.py, and so is what follows
WORTH_FILING, WORTH_FILING_UNDER_PRESSURE = 64, 4  # judged mails
STEP_BACK, MOST_STEPS_BACK, EBBING = 0.003, 30, 0.1  # as desk/pressure.py
CLIENTS, WRITING, JUDGING = range(3)  # ranks: who waits for a reply goes first


@dataclass(frozen=True)
class Batch:
    """What a transaction takes, in seconds: once, and for each mail; CPU of the worker, CPU of a database
    server on the same machine, and the time in which nobody computes (disk, network)."""

    once: float
    each: float
    server: float = 0.0  # of it, for each mail
    idle: float = 0.0  # of it, for each mail


@dataclass(frozen=True)
class Times:
    """What one mail takes, in seconds of CPU if nothing else is said."""

    wire: float  # the session with the client
    accept: float  # beside the transaction
    chain: float
    reading: float  # in which the chain waits for the database's answers
    accepting: Batch
    filing: Batch
    shares_writer: bool  # whether taking in waits for the same writer, and the worker stands still (SQLite)
    client: float = 0.0  # of a load generator on the same cores
    copy: float = 0.0  # into the folder, one after the other
    answer: float = 0.0


@dataclass(frozen=True)
class Plant:
    """``share`` is how much of a core is left by whoever else uses the machine."""

    workers: int = 1  # on each node
    nodes: int = 1
    cores: int = 2
    share: float = 1.0


@dataclass
class _Worker:
    thread: Resource
    cores: Resource
    first: Resource = field(default_factory=Resource)  # who judges while clients wait
    to_accept: deque[_Mail] = field(default_factory=deque)
    to_judge: deque[_Mail] = field(default_factory=deque)
    judged: list[_Mail] = field(default_factory=list)
    lanes: int = 0
    accepts: bool = False  # a transaction that takes in is under way


@dataclass
class _Mail:
    began: float
    accepted: Signal = field(default_factory=Signal)
    accepted_at: float = 0.0
    filed_at: float = 0.0
    copied_at: float = 0.0


@dataclass(frozen=True)
class Run:
    """Of a simulated run: seconds, and mails in the order in which they came."""

    seconds: float  # until the last was answered 250
    filed: float  # until the last was a ticket
    replies: list[float]  # how long each waited for its 250
    delays: list[float]  # from its coming to its ticket
    copied: list[float]  # from its coming to its copy in the folder
    writer: float  # share of the time for which the writer was busy

    def percentile(self, of: list[float], percent: int) -> float:
        return statistics.quantiles(of, n=100, method="inclusive")[percent - 1] if len(of) > 1 else of[0]


class Site:
    """One simulation of a plant."""

    def __init__(self, plant: Plant, times: Times, desks: int = 1) -> None:
        self.simulation = Simulation()
        self.plant, self.times = plant, times
        self.writer = Resource()
        self.watchers = [Resource() for _ in range(desks)]
        self.mails: list[_Mail] = []
        self._waiting: deque[_Mail] = deque()  # deliveries that no worker has taken yet
        self._clients = 0  # that wait for a reply
        self._served = -EBBING  # when one had it last
        self.workers = [
            _Worker(Resource(), cores)
            for cores in (Resource(plant.cores) for _ in range(plant.nodes))
            for _ in range(plant.workers)
        ]

    # What may be asked of it

    def deliver(self, number: int) -> Process:
        """One mail, up to its 250."""
        worker = self.workers[number % len(self.workers)]
        mail = _Mail(self.simulation.now)
        self.mails.append(mail)
        yield from self._compute(worker, self.times.wire, CLIENTS)
        self._clients += 1
        yield from self._compute(worker, self.times.accept, CLIENTS)
        worker.to_accept.append(mail)
        if not worker.accepts:
            worker.accepts = True
            self.simulation.start(self._accepting(worker))
        yield mail.accepted

    def session(self, mails: deque[int]) -> Process:
        """A client that hands over one mail after the other."""
        while mails:
            number = mails.popleft()
            yield from self._on_core(self.workers[number % len(self.workers)], self.times.client)
            yield from self.deliver(number)

    def run(self) -> Run:
        self.simulation.run()
        mails = self.mails
        end = max(mail.filed_at for mail in mails)
        return Run(
            max(mail.accepted_at for mail in mails),
            end,
            [mail.accepted_at - mail.began for mail in mails],
            [mail.filed_at - mail.began for mail in mails],
            [mail.copied_at - mail.began for mail in mails],
            self.writer.busy / end,
        )

    # Its parts

    def _on_core(self, worker: _Worker, seconds: float) -> Process:
        if seconds > 0:
            yield Take(worker.cores)
            yield Hold(seconds / self.plant.share)
            self.simulation.give(worker.cores)

    def _compute(self, worker: _Worker, seconds: float, rank: int) -> Process:
        yield Take(worker.thread, rank)
        yield from self._on_core(worker, seconds)
        self.simulation.give(worker.thread)

    def _accepting(self, worker: _Worker) -> Process:
        while worker.to_accept:
            if self.times.shares_writer:
                yield Take(self.writer, CLIENTS)
            mails = [worker.to_accept.popleft() for _ in range(min(MOST_AT_ONCE, len(worker.to_accept)))]
            yield from self._transaction(worker, self.times.accepting, len(mails))
            if self.times.shares_writer:
                self.simulation.give(self.writer)
            self._accepted(mails)
        worker.accepts = False

    def _transaction(self, worker: _Worker, batch: Batch, mails: int) -> Process:
        """On SQLite the worker stands still until it is on disk; on PostgreSQL it only sends."""
        if self.times.shares_writer:
            yield Take(worker.thread, CLIENTS)
            yield from self._on_core(worker, mails * batch.each)
            yield Hold(batch.once)
            self.simulation.give(worker.thread)
            return
        yield from self._compute(worker, mails * batch.each, WRITING)
        yield from self._on_core(worker, mails * batch.server)
        yield Hold(batch.once + mails * batch.idle)

    def _accepted(self, mails: list[_Mail]) -> None:
        for mail in mails:
            mail.accepted_at = self.simulation.now
            self.simulation.send(mail.accepted)
        self._clients -= len(mails)
        self._served = self.simulation.now
        self._waiting.extend(mails)
        for worker in self.workers:
            self._take_up(worker)

    def _take_up(self, worker: _Worker) -> None:
        most = MOST_CLAIMED_UNDER_PRESSURE if self._is_flowing else MOST_CLAIMED
        if len(worker.to_judge) <= most // 2:
            for _ in range(min(most, len(self._waiting))):
                worker.to_judge.append(self._waiting.popleft())
        while worker.lanes < min(LANES, len(worker.to_judge)):
            worker.lanes += 1
            self.simulation.start(self._judging(worker))

    def _judging(self, worker: _Worker) -> Process:
        """A lane: judge one mail after the other, and file them in good time."""
        while worker.to_judge:
            yield from self._step_back(worker)
            if worker.to_judge:
                mail = worker.to_judge.popleft()
                yield from self._compute(worker, self.times.chain, JUDGING)
                yield Hold(self.times.reading)
                worker.judged.append(mail)
            worth = WORTH_FILING_UNDER_PRESSURE if self._is_flowing else WORTH_FILING
            if len(worker.judged) >= worth or not worker.to_judge:
                yield from self._file(worker)
            self._take_up(worker)
        worker.lanes -= 1
        self._take_up(worker)

    @property
    def _is_flowing(self) -> bool:
        return self._clients > 0 or self.simulation.now - self._served < EBBING

    def _step_back(self, worker: _Worker) -> Process:
        """Clients that wait go first, but for moments in which the worker has nothing else to do."""
        if not self._is_flowing:
            return
        yield Take(worker.first)
        for _ in range(MOST_STEPS_BACK):
            yield Hold(STEP_BACK)
            if not self._clients or not worker.thread.taken:
                break
        self.simulation.give(worker.first)

    def _file(self, worker: _Worker) -> Process:
        mails, worker.judged = worker.judged, []
        if not mails:
            return
        yield Take(self.writer, WRITING)
        yield from self._transaction(worker, self.times.filing, len(mails))
        self.simulation.give(self.writer)
        for mail in mails:
            self._filed(mail)

    def _filed(self, mail: _Mail) -> None:
        mail.filed_at = mail.copied_at = self.simulation.now
        if self.times.copy:
            self.simulation.start(self._copying(mail, self.watchers[len(self.mails) % len(self.watchers)]))

    def _copying(self, mail: _Mail, watcher: Resource) -> Process:
        yield Take(watcher)
        yield Hold(self.times.copy)
        self.simulation.give(watcher)
        mail.copied_at = self.simulation.now


def closed(plant: Plant, times: Times, *, mails: int, sessions: int) -> Run:
    """As bench.load does: so many sessions, each with one mail at a time, until all are delivered."""
    site = Site(plant, times)
    numbers = deque(range(mails))
    for _ in range(sessions):
        site.simulation.start(site.session(numbers))
    return site.run()


def open_(
    plant: Plant,
    times: Times,
    *,
    rate: float,
    seconds: float,
    desks: int = 1,
    agents: float = 0.0,
    seed: int = 1,
) -> Run:
    """Mails that come by chance (Poisson), ``rate`` a second; ``agents`` answers a second beside them."""
    site, lot = Site(plant, times, desks), random.Random(seed)
    at, number = 0.0, 0
    while (at := at + lot.expovariate(rate)) < seconds:
        site.simulation.start(site.deliver(number), at)
        number += 1
    at = 0.0
    while agents and (at := at + lot.expovariate(agents)) < seconds:
        worker = lot.choice(site.workers)
        site.simulation.start(site._compute(worker, times.answer, CLIENTS), at)
    return site.run()


def most(plant: Plant, times: Times) -> float:
    """Mails a second at which the first of the resources is always busy: full batches, nobody else."""
    worker, server = cpu(times), times.filing.server + times.accepting.server
    written = times.filing.each + times.filing.server + times.filing.idle + times.filing.once / MOST_AT_ONCE
    if times.shares_writer:
        stands = (times.filing.once + times.accepting.once) / MOST_AT_ONCE
        written += times.accepting.each + times.accepting.once / MOST_AT_ONCE
    else:
        stands = 0.0
    return min(
        plant.nodes * plant.workers * plant.share / (worker + stands),
        plant.nodes * plant.cores * plant.share / (worker + server + times.client),
        plant.share / written,
    )


def cpu(times: Times) -> float:
    """Of a worker, for one mail."""
    return times.wire + times.accept + times.chain + times.accepting.each + times.filing.each
