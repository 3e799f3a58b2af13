"""``mailproc serve``: one process that listens, works and stops in order.

Ready means that every socket is bound and served.  SIGTERM or SIGINT: no new connection, sessions in
DATA finish within the grace, the chain finishes what it holds, the store is closed.  A second signal
ends at once, which loses nothing either.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from mailproc.app import Parts, assemble, open_store, store_path
from mailproc.config import Config, Loaded
from mailproc.failpoint import FailPoints
from mailproc.listen.limits import Gate, ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.lmtp import LmtpSession
from mailproc.listen.session import Session
from mailproc.listen.smtp import SmtpSession
from mailproc.listen.sockets import bind, parse_endpoint
from mailproc.notify import Notifier
from mailproc.store.connection import StoreDamaged
from mailproc.store.lock import ServeLock
from mailproc.store.sqlite import quick_check

log = logging.getLogger("mailproc.daemon")

GRACE = 20.0  # seconds for sessions in DATA

Sockets = Sequence[tuple[type[Session], Sequence[socket.socket]]]


async def serve(loaded: Loaded, environment: Mapping[str, str]) -> None:
    """Run until SIGTERM or SIGINT."""
    path = store_path(loaded.config)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ServeLock(path) as lock:
        check = StoreCheck(path)
        if lock.unclean:
            await check.before_listening()
        sockets = bind_all(loaded.config, environment)
        async with AsyncExitStack() as stack:
            await _start(loaded, environment, sockets, stack)
            if not lock.unclean:
                check.in_background()
                stack.callback(check.stop)
            await _until_signalled(
                Notifier(environment), [endpoint for endpoint, _ in _endpoints(loaded.config)]
            )


async def _start(
    loaded: Loaded, environment: Mapping[str, str], sockets: Sockets, stack: AsyncExitStack
) -> None:
    """Start every part in the order of need; the stack stops them the other way round."""
    failpoints = FailPoints(environment)
    store = open_store(loaded.config, failpoints)
    stack.push_async_callback(store.close)
    freed = await store.write(lambda tx: tx.deliveries.release_leases() + tx.outbox.release_leases())
    if freed:
        log.info("taken_up=%d left by the last run", freed)
    parts = await assemble(loaded, store, failpoints=failpoints)
    for chain in parts.chains.values():
        stack.push_async_callback(chain.close)
    _run_workers(parts, stack)
    await _listen(loaded.config, parts, sockets, failpoints, stack)


def _run_workers(parts: Parts, stack: AsyncExitStack) -> None:
    running = [parts.processor.run()] if parts.outbox is None else [parts.outbox.run(), parts.processor.run()]
    for run in running:
        task = asyncio.create_task(run)
        task.add_done_callback(_end_daemon_with)
        stack.push_async_callback(_end, task)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _end_daemon_with(task: asyncio.Task[None]) -> None:
    """A worker that ends before it was told to is a bug: end in order; the service manager restarts."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("worker ended", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)


async def _listen(
    config: Config, parts: Parts, sockets: Sockets, failpoints: FailPoints, stack: AsyncExitStack
) -> None:
    limits = _listen_limits(config)
    gate = Gate(limits)
    for session, bound in sockets:
        listener = Listener(
            session, parts.intake, hostname=config.hostname, limits=limits, gate=gate, failpoints=failpoints
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


def _endpoints(config: Config) -> list[tuple[str, type[Session]]]:
    lmtp: list[tuple[str, type[Session]]] = [(text, LmtpSession) for text in config.lmtp.listen]
    return lmtp + [(text, SmtpSession) for text in config.smtp.listen]


def bind_all(config: Config, environment: Mapping[str, str]) -> Sockets:
    """Bind every intake socket of the configuration, before anything is served."""
    return [(session, bind(parse_endpoint(text), environment)) for text, session in _endpoints(config)]


async def _until_signalled(notifier: Notifier, endpoints: Sequence[str]) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    notifier.ready()
    log.info("ready on=%s", ",".join(endpoints) or "no socket")
    print(f"mailproc is ready on {', '.join(endpoints) or 'no socket'}", flush=True)
    while not stopped.is_set():
        try:
            async with asyncio.timeout(notifier.watchdog_interval):
                await stopped.wait()
        except TimeoutError:
            notifier.alive()
    notifier.stopping()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)  # a second signal ends at once


class StoreCheck:
    """Is the store's file sound?  Asked before listening after an unclean end, else beside the work."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mailproc-check")

    async def before_listening(self) -> None:
        """Raise StoreDamaged where mail would be written into a broken file."""
        if not self._path.exists():
            return
        log.info("store=%s was not closed in order: checking it", self._path)
        if problems := await asyncio.to_thread(quick_check, self._path):
            raise StoreDamaged(f"{self._path} is damaged ({problems[0]}): restore a backup")

    def in_background(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        problems = quick_check(self._path, self._stopped.is_set)
        for problem in problems:
            log.critical("store=%s damaged=%r", self._path, problem)
        if problems:
            signal.raise_signal(signal.SIGTERM)  # Postfix keeps the mail; the next start refuses to listen
