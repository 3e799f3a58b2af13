"""One worker: listens on sockets that were bound before, takes mail through the chain, empties the outbox."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import signal
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from mailproc.app import Parts, assemble
from mailproc.binding import Bound
from mailproc.board import Board, Row
from mailproc.check.paths import template_folders
from mailproc.clock import VARIABLE as MOVED_CLOCK
from mailproc.clock import Clock, ServerClock, make_clock
from mailproc.config import Config, Loaded
from mailproc.crew import RETIRE
from mailproc.desk.clock import TICK, keep_time
from mailproc.desk.enrich_later import LateNotes, enrich_later
from mailproc.desk.presence import announce, stay_present, watch_presence
from mailproc.desk.pressure import Pressure
from mailproc.desk.search import keep_index
from mailproc.desk.topics import keep_learning
from mailproc.desk.train import GRACE as GRACE_OF_SPAM
from mailproc.desk.train import upstream_of
from mailproc.desk.turn import Turn, Work
from mailproc.failpoint import FailPoints
from mailproc.metrics.figures import look
from mailproc.metrics.measured import MeasuredIntake, MeasuredStore
from mailproc.metrics.monitor import Monitor
from mailproc.opening import (
    agree_on_key,
    bucket_rule,
    make_bucket,
    plans_of,
    store_place,
    with_bucket,
)
from mailproc.pipeline.escalation_letters import read_escalation_letters
from mailproc.reception import Reception
from mailproc.reports.keep import keep_summaries
from mailproc.reports.regular import keep_reporting
from mailproc.reports.stamp import Stamps
from mailproc.soundness import StoreCheck
from mailproc.store.bucket import Bucket
from mailproc.store.moving import Mover
from mailproc.store.originals import MovingRule
from mailproc.store.place import PostgresPlace, SqlitePlace
from mailproc.store.protocol import Store, StoreError
from mailproc.store.turnstile import Turnstile

log = logging.getLogger("mailproc.worker")

GRACE = 20.0  # seconds for sessions in DATA; and for others, where new workers take their place
BEAT = 1.0  # seconds between two signs of life
CLOCKS_COMPARED = 60.0  # seconds between two questions for the database's time
QUICK_TICK = 0.05  # seconds between two looks at a clock that is moved: each moment of it is to be seen
_LARGE = 256 * 1024  # octets of a block that is asked of the kernel
_M_MMAP_THRESHOLD = -3  # malloc.h
_OBJECTS = 20_000  # new ones until the youngest are looked at for cycles
STOPS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Place:
    """This worker among the others of its daemon; what they share was made before they were forked."""

    name: str  # marks what this worker holds
    pressure: Pressure  # this worker's view
    turnstile: Turnstile
    row: Row
    board: Board  # with the rows of all workers
    workers: int
    check: StoreCheck | None = None  # runs beside the work


@dataclass(slots=True)
class Departure:
    """Set when the worker is to end; ``is_hurried`` where no other worker takes its place."""

    asked: asyncio.Event
    is_hurried: bool = False

    def stop(self) -> None:
        self.is_hurried = True
        self.asked.set()


async def run_worker(
    loaded: Loaded,
    environment: Mapping[str, str],
    sockets: Sequence[Bound],
    place: Place,
    on_ready: Callable[[], None],
) -> None:
    """Work until SIGTERM, SIGINT or RETIRE."""
    _return_large_blocks()
    loop = asyncio.get_running_loop()
    departure = Departure(asyncio.Event())
    for number in STOPS:
        loop.add_signal_handler(number, departure.stop)
    loop.add_signal_handler(RETIRE, departure.asked.set)
    loop.add_signal_handler(signal.SIGHUP, _leave_to_the_supervisor)
    beating = asyncio.create_task(_beat(place.row))
    async with AsyncExitStack() as stack:
        await _start(loaded, environment, sockets, place, departure, stack)
        if place.check is not None:
            place.check.in_background()
            stack.callback(place.check.stop)
        _spare_the_collector()
        on_ready()
        await departure.asked.wait()
        if departure.is_hurried:
            for number in STOPS:
                loop.remove_signal_handler(number)  # a second signal ends at once
    beating.cancel()


def _spare_the_collector() -> None:
    """What was made by now lives as long as the worker: no collection need look at it again.

    Mails make many objects and hardly a cycle, so that looking for cycles can be rarer than by default.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS, 20, 50)


def _return_large_blocks() -> None:
    """What a large mail took goes back to the kernel when it is freed.

    Else glibc keeps, from the first such block that is freed on, all blocks up to its size for later use, and
    they come to lie in pieces (mallopt(3), M_MMAP_THRESHOLD).
    """
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)


def _leave_to_the_supervisor() -> None:
    """SIGHUP, as somebody may send it to all processes, must not end a worker as it would by default."""


async def _beat(row: Row) -> None:
    while True:
        row.beat()
        await asyncio.sleep(BEAT)


async def _start(
    loaded: Loaded,
    environment: Mapping[str, str],
    sockets: Sequence[Bound],
    place: Place,
    departure: Departure,
    stack: AsyncExitStack,
) -> None:
    """Start every part in the order of need; the stack stops them the other way round."""
    failpoints = FailPoints(environment)
    where = store_place(loaded.config)
    bucket = make_bucket(loaded.config)
    store = MeasuredStore(with_bucket(where.open(failpoints, place.turnstile), bucket), place.row)
    stack.push_async_callback(store.close)
    clock, company = await _meet_others(loaded.config, store, place.name, environment)
    parts = await assemble(
        loaded, store, clock=clock, failpoints=failpoints, worker=place.name, pressure=place.pressure
    )
    for chain in parts.chains.values():
        stack.push_async_callback(chain.close)
    running = [parts.processor.run(), *([parts.outbox.run()] if parts.outbox else [])]
    running += [watcher.run() for watcher in parts.watchers]
    pause = QUICK_TICK if environment.get(MOVED_CLOCK) else TICK
    running.append(store.listen(parts.wake))
    running += company
    rule = bucket_rule(loaded.config)
    more = _moving(bucket, rule, where, clock, failpoints, pause)
    running.append(_keep_time(loaded, parts, place.name, clock, pause, more))
    _run_in_background(running, stack)
    monitor = Monitor(
        store,
        place.board,
        workers=place.workers,
        look=lambda: where.read_once(lambda tx: look(tx, clock(), rule)),
        holder=place.name,
        clock=clock,
    )
    reception = Reception(loaded.config, parts, MeasuredIntake(parts.intake, place.row), monitor, failpoints)
    stack.push_async_callback(reception.close)
    stack.push_async_callback(_leave, reception, departure)
    _run_in_background([_count(place.row, parts, reception)], stack)
    await reception.open(sockets)


async def _meet_others(
    config: Config, store: Store, name: str, environment: Mapping[str, str]
) -> tuple[Clock, list[Coroutine[None, None, None]]]:
    """The clock that all machines on a store go by, and what is done to be one of many.

    StoreError where our key is another than theirs.
    """
    clock, where = make_clock(environment), store_place(config)
    if isinstance(where, SqlitePlace):
        return clock, []
    following = []
    if not environment.get(MOVED_CLOCK):
        clock = shared = ServerClock(clock, where.time)
        await shared.adjust()
        following.append(_follow(shared))
    await store.write(lambda tx: agree_on_key(tx, config))
    await announce(store, name, clock)
    return clock, [stay_present(store, name, clock), *following]


async def _follow(clock: ServerClock) -> None:
    while True:
        await asyncio.sleep(CLOCKS_COMPARED)
        with suppress(StoreError):  # others tell that it is away
            await clock.adjust()


def _keep_time(
    loaded: Loaded, parts: Parts, holder: str, clock: Clock, pause: float, more: Sequence[Work]
) -> Coroutine[None, None, None]:
    """What one worker of all does by itself, when its time has come."""
    grace = loaded.config.imap.spam_grace if loaded.config.imap else GRACE_OF_SPAM
    hosts = upstream_of(loaded.config.stage.get("spam", {}))
    steps = [step for desk in loaded.config.desk.values() for step in desk.escalation if step.mail]
    letters = read_escalation_letters([step.template for step in steps], template_folders(loaded.config))
    where, plans = store_place(loaded.config), plans_of(loaded.config)
    stamps = Stamps({name: desk.calendar for name, desk in parts.site.desks.items()})

    shared = isinstance(where, PostgresPlace)
    company: list[Work] = [lambda store: watch_presence(store, clock)] if shared else []
    return Turn(parts.store, "clock", holder, clock).work(
        [
            *company,
            *more,
            lambda store: enrich_later(LateNotes(store, parts.site, parts.chains), clock),
            lambda store: keep_learning(store, clock),
            keep_index,
            lambda store: keep_time(store, parts.site, clock, grace, hosts, letters, pause=pause),
            lambda store: keep_reporting(store, where, parts.site, plans, clock, pause=pause),
            lambda store: keep_summaries(store, where, stamps, clock, pause=pause),
        ]
    )


def _moving(
    bucket: Bucket | None,
    rule: MovingRule | None,
    where: SqlitePlace | PostgresPlace,
    clock: Clock,
    failpoints: FailPoints,
    pause: float,
) -> list[Work]:
    if bucket is None or rule is None:
        return []
    mover = Mover(bucket, rule, clock, failpoints)
    return [lambda store: mover.keep_moving(store, where, pause)]


async def _leave(reception: Reception, departure: Departure) -> None:
    await (reception.stop(GRACE) if departure.is_hurried else reception.retire(GRACE))


async def _count(row: Row, parts: Parts, reception: Reception) -> None:
    """Keep those figures true that are no counters."""
    while True:
        states = Counter(watcher.state for watcher in parts.watchers)
        row.put("imap_working", states["working"])
        row.put("imap_failing", states["failing"])
        row.put("connections", reception.connections)
        await asyncio.sleep(BEAT)


def _run_in_background(running: Iterable[Coroutine[None, None, None]], stack: AsyncExitStack) -> None:
    for run in running:
        task = asyncio.create_task(run)
        task.add_done_callback(_end_daemon_with)
        stack.push_async_callback(_end, task)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _end_daemon_with(task: asyncio.Task[None]) -> None:
    """A task that ends before it was told to is a bug: end in order; the service manager restarts."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("task ended", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)
