"""One worker: listens on sockets that were bound before, takes mail through the chain, empties the outbox."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from mailproc.app import Parts, assemble
from mailproc.binding import Bound
from mailproc.board import Row
from mailproc.config import Config, Loaded
from mailproc.crew import RETIRE
from mailproc.desk.clock import keep_time
from mailproc.desk.enrich_later import LateNotes, enrich_later
from mailproc.desk.pressure import Pressure
from mailproc.desk.search import keep_index
from mailproc.desk.topics import keep_learning
from mailproc.desk.train import GRACE as GRACE_OF_SPAM
from mailproc.desk.train import upstream_of
from mailproc.failpoint import FailPoints
from mailproc.listen.limits import Gate, ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.lmtp import LmtpSession
from mailproc.listen.session import Session
from mailproc.listen.smtp import SmtpSession
from mailproc.office import make_authenticator, make_submission_listener
from mailproc.opening import open_store
from mailproc.soundness import StoreCheck
from mailproc.store.turnstile import Turnstile

log = logging.getLogger("mailproc.worker")

GRACE = 20.0  # seconds for sessions in DATA; and for others, where new workers take their place
BEAT = 1.0  # seconds between two signs of life
STOPS = (signal.SIGTERM, signal.SIGINT)
INTAKES: Mapping[str, type[Session]] = {"lmtp": LmtpSession, "smtp": SmtpSession}


@dataclass(frozen=True, slots=True)
class Place:
    """This worker among the others of its daemon; what they share was made before they were forked."""

    name: str  # marks what this worker holds
    is_first: bool  # of its crew; that one keeps the time
    pressure: Pressure  # this worker's view
    turnstile: Turnstile
    row: Row
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
        on_ready()
        await departure.asked.wait()
        if departure.is_hurried:
            for number in STOPS:
                loop.remove_signal_handler(number)  # a second signal ends at once
    beating.cancel()


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
    store = open_store(loaded.config, failpoints, place.turnstile)
    stack.push_async_callback(store.close)
    parts = await assemble(loaded, store, failpoints=failpoints, worker=place.name, pressure=place.pressure)
    for chain in parts.chains.values():
        stack.push_async_callback(chain.close)
    running = [parts.processor.run(), *([parts.outbox.run()] if parts.outbox else [])]
    running += [watcher.run() for watcher in parts.watchers]
    if place.is_first:
        running.append(enrich_later(LateNotes(store, parts.site, parts.chains), time.time))
        grace = loaded.config.imap.spam_grace if loaded.config.imap else GRACE_OF_SPAM
        hosts = upstream_of(loaded.config.stage.get("spam", {}))
        running.append(keep_learning(store, time.time))
        running.append(keep_index(store))
        running.append(keep_time(store, parts.site, time.time, grace, hosts))
    _run_in_background(running, stack)
    await _listen(loaded.config, parts, sockets, failpoints, departure, stack)


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


async def _listen(
    config: Config,
    parts: Parts,
    sockets: Sequence[Bound],
    failpoints: FailPoints,
    departure: Departure,
    stack: AsyncExitStack,
) -> None:
    limits = _listen_limits(config)
    gate = Gate(limits)
    authenticator = make_authenticator(config, parts.site)
    stack.push_async_callback(authenticator.close)
    listeners: list[Listener] = []
    stack.push_async_callback(_leave, listeners, departure)
    for bound in sockets:
        if bound.section in INTAKES:
            listener = Listener(
                INTAKES[bound.section],
                parts.intake,
                hostname=config.hostname,
                limits=limits,
                gate=gate,
                failpoints=failpoints,
            )
        else:
            agents_limits = replace(limits, recipients=config.submission.recipients)
            listener = make_submission_listener(
                config, authenticator, parts.submissions, agents_limits, failpoints
            )
        await listener.start(bound.sockets)
        listeners.append(listener)


async def _leave(listeners: Iterable[Listener], departure: Departure) -> None:
    """All at the same time, so that each has the whole grace."""
    hurried = departure.is_hurried
    await asyncio.gather(*(each.stop(GRACE) if hurried else each.retire(GRACE) for each in listeners))


def _listen_limits(config: Config) -> ListenLimits:
    limits = config.limits
    return ListenLimits(
        size=limits.size,
        recipients=limits.recipients,
        connections=limits.connections,
        connections_per_address=limits.connections_per_address,
        useless_commands=limits.useless_commands,
        idle=limits.idle,
        total=limits.total,
        large=limits.large,
        large_at_once=limits.large_at_once,
    )
