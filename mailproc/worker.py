"""One worker: listens on sockets that were bound before, takes mail through the chain, empties the outbox."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from mailproc.app import Parts, assemble
from mailproc.config import Config, Loaded
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
from mailproc.listen.session import Session
from mailproc.listen.submission import SubmissionSession
from mailproc.notify import Notifier
from mailproc.office import make_authenticator, make_submission_listener
from mailproc.opening import open_store
from mailproc.soundness import StoreCheck
from mailproc.store.turnstile import Turnstile

log = logging.getLogger("mailproc.worker")

FIRST = "0"  # the name of the worker that keeps the time
GRACE = 20.0  # seconds for sessions in DATA
STOPS = (signal.SIGTERM, signal.SIGINT)

Sockets = Sequence[tuple[type[Session], Sequence[socket.socket]]]


@dataclass(frozen=True, slots=True)
class Shared:
    """What the workers of one daemon have in common; made before they are forked."""

    pressure: Pressure  # this worker's view
    turnstile: Turnstile


async def run_worker(
    loaded: Loaded,
    environment: Mapping[str, str],
    sockets: Sockets,
    *,
    name: str,
    shared: Shared,
    check: StoreCheck | None,
    on_ready: Callable[[], None],
    notifier: Notifier,
) -> None:
    """Work until SIGTERM or SIGINT; ``name`` marks what this worker holds, ``check`` runs beside the work."""
    stopped = asyncio.Event()
    for number in STOPS:
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _refuse_reload)
    async with AsyncExitStack() as stack:
        await _start(loaded, environment, sockets, name, shared, stack)
        if check is not None:
            check.in_background()
            stack.callback(check.stop)
        on_ready()
        await _until(stopped, notifier)
        for number in STOPS:
            asyncio.get_running_loop().remove_signal_handler(number)  # a second signal ends at once
        notifier.stopping()


def _refuse_reload() -> None:
    """SIGHUP must not end a daemon, as it would by default."""
    log.warning("SIGHUP: this version reads a changed configuration only at a restart")


async def _start(
    loaded: Loaded,
    environment: Mapping[str, str],
    sockets: Sockets,
    name: str,
    shared: Shared,
    stack: AsyncExitStack,
) -> None:
    """Start every part in the order of need; the stack stops them the other way round."""
    failpoints = FailPoints(environment)
    store = open_store(loaded.config, failpoints, shared.turnstile)
    stack.push_async_callback(store.close)
    parts = await assemble(loaded, store, failpoints=failpoints, worker=name, pressure=shared.pressure)
    for chain in parts.chains.values():
        stack.push_async_callback(chain.close)
    running = [parts.processor.run(), *([parts.outbox.run()] if parts.outbox else [])]
    running += [watcher.run() for watcher in parts.watchers]
    if name == FIRST:
        running.append(enrich_later(LateNotes(store, parts.site, parts.chains), time.time))
        grace = loaded.config.imap.spam_grace if loaded.config.imap else GRACE_OF_SPAM
        hosts = upstream_of(loaded.config.stage.get("spam", {}))
        running.append(keep_learning(store, time.time))
        running.append(keep_index(store))
        running.append(keep_time(store, parts.site, time.time, grace, hosts))
    _run_in_background(running, stack)
    await _listen(loaded.config, parts, sockets, failpoints, stack)


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
    config: Config, parts: Parts, sockets: Sockets, failpoints: FailPoints, stack: AsyncExitStack
) -> None:
    limits = _listen_limits(config)
    gate = Gate(limits)
    authenticator = make_authenticator(config, parts.site)
    stack.push_async_callback(authenticator.close)
    for session, bound in sockets:
        if issubclass(session, SubmissionSession):
            agents_limits = replace(limits, recipients=config.submission.recipients)
            listener = make_submission_listener(
                config, authenticator, parts.submissions, agents_limits, failpoints
            )
        else:
            listener = Listener(
                session,
                parts.intake,
                hostname=config.hostname,
                limits=limits,
                gate=gate,
                failpoints=failpoints,
            )
        await listener.start(bound)
        stack.push_async_callback(listener.stop, GRACE)


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


async def _until(stopped: asyncio.Event, notifier: Notifier) -> None:
    while not stopped.is_set():
        try:
            async with asyncio.timeout(notifier.watchdog_interval):
                await stopped.wait()
        except TimeoutError:
            notifier.alive()
