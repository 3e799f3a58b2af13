"""``mailproc serve``: takes the store's lock, binds the sockets once, and keeps one worker or several.

Ready means that every socket is bound and served.  SIGTERM or SIGINT: no new connection, sessions in
DATA finish within the grace, the chain finishes what it holds, the store is closed.  A second signal
ends at once, which loses nothing either.  SIGHUP: the configuration is read anew; a wrong one changes
nothing, and a right one comes with new workers, beside which the old ones end what they have begun.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import uvloop

from mailproc.binding import Bound, bind_all, entries, without
from mailproc.board import Board
from mailproc.config import Loaded
from mailproc.crew import HOPELESS
from mailproc.desk.pressure import Pressure, shared_page
from mailproc.failpoint import FailPoints
from mailproc.listen.sockets import CannotListen
from mailproc.log import set_up
from mailproc.metrics.measured import COLUMNS, CountLines
from mailproc.notify import Notifier
from mailproc.opening import agree_on_key, node_name, store_place
from mailproc.pipeline.chain import CannotOpen
from mailproc.renewal import renewed
from mailproc.soundness import StoreCheck
from mailproc.store.connection import StoreDamaged, StoreError
from mailproc.store.lock import ServeLock
from mailproc.store.place import PostgresPlace, SqlitePlace
from mailproc.store.turnstile import Turnstile
from mailproc.supervisor import CannotRenew, Supervisor, WorkersFailed
from mailproc.worker import Place, run_worker

log = logging.getLogger("mailproc.daemon")


class CannotServe(Exception):
    """The daemon cannot start or go on; the text says why."""


def serve(loaded: Loaded, environment: Mapping[str, str]) -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        _serve(loaded, environment)
    except (CannotListen, WorkersFailed) as error:
        raise CannotServe(str(error)) from error


def _serve(loaded: Loaded, environment: Mapping[str, str]) -> None:
    place = store_place(loaded.config)
    if isinstance(place, SqlitePlace):
        _serve_alone(place, loaded, environment)
    else:
        _serve_among_others(place, loaded, environment)


def _serve_alone(place: SqlitePlace, loaded: Loaded, environment: Mapping[str, str]) -> None:
    """On a file that is locked against other daemons."""
    place.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ServeLock(place.path) as lock:
        check = StoreCheck(place.path)
        if lock.unclean:
            check.before_listening()
        place.open(FailPoints(environment))  # brings the schema up to date
        _report_freed(place.write_once(lambda tx: tx.holdings.release_all()))
        Serving(loaded, environment, check if not lock.unclean else None).run()


def _serve_among_others(place: PostgresPlace, loaded: Loaded, environment: Mapping[str, str]) -> None:
    """On a database that other machines may serve, too: what they hold stays theirs."""
    node = node_name(loaded.config)
    with ServeLock(Path(loaded.config.data_dir) / "node"):
        place.open()
        place.write_once(lambda tx: agree_on_key(tx, loaded.config))
        _report_freed(place.write_once(lambda tx: tx.holdings.release_of_node(node)))
        Serving(loaded, environment, None, node).run()


def _report_freed(freed: int) -> None:
    if freed:
        log.info("taken_up=%d left by the last run", freed)


class Serving:
    """One run of the daemon.  ``node`` is what it is called among others that share its store."""

    def __init__(
        self, loaded: Loaded, environment: Mapping[str, str], check: StoreCheck | None, node: str = ""
    ) -> None:
        self.environment = environment
        self.turnstile = Turnstile()
        self._place = store_place(loaded.config)
        self._node = node
        self._loaded = loaded
        self._check = check
        self._crews = 0
        self._sockets: tuple[Bound, ...] = ()  # that are served

    def run(self) -> None:
        """Until a signal ends it."""
        notifier = Notifier(self.environment)
        supervisor = Supervisor(renew=self._renew, on_end=self._free_leases, notifier=notifier)
        supervisor.run(self._crew(self._loaded, self._check))

    def _renew(self) -> WorkersOf:
        try:
            return self._crew(renewed(self._loaded, self.environment), None)
        except CannotListen as error:
            raise CannotRenew(str(error)) from error

    def _crew(self, loaded: Loaded, check: StoreCheck | None) -> WorkersOf:
        sockets = bind_all(loaded.config, self.environment, self._sockets)
        self._crews += 1
        # Those of the first crew are called 0, 1, …; what a name holds must be nobody else's.
        prefix = (f"{self._node}/" if self._node else "") + (f"{self._crews}." if self._crews > 1 else "")
        return WorkersOf(self, loaded, sockets, prefix=prefix, check=check)

    def take_over(self, loaded: Loaded, sockets: tuple[Bound, ...]) -> None:
        """What was started is what the daemon serves now."""
        for bound in without(self._sockets, sockets):
            bound.remove()
        is_reload = self._loaded is not loaded
        self._loaded, self._sockets = loaded, sockets
        set_up(loaded.config.log.level, loaded.config.log.format, sys.stderr)
        endpoints = ",".join(text for _, text in entries(loaded.config)) or "no socket"
        log.info(
            "%s on=%s workers=%d", "reloaded" if is_reload else "ready", endpoints, loaded.config.workers
        )
        if not is_reload:
            print(f"mailproc is ready on {endpoints.replace(',', ', ')}", flush=True)

    def leave_out(self, sockets: tuple[Bound, ...]) -> None:
        """Close what was bound for workers that did not get ready."""
        for bound in without(sockets, self._sockets):
            bound.remove()

    def close_in_worker(self, sockets: tuple[Bound, ...]) -> None:
        """A new worker must not keep a socket open that it does not serve: clients would wait there."""
        for bound in without(self._sockets, sockets):
            bound.close()

    def _free_leases(self, name: str) -> None:
        """What a worker held that has ended is taken up by the others at once.

        One that ended in order may have been claiming mail when it was told to.
        """
        try:
            self._place.write_once(lambda tx: tx.holdings.release(name))
        except StoreError as error:
            log.warning("worker=%s store=%s: what it held waits until its leases end", name, error)


class WorkersOf:
    """The crew of one configuration."""

    def __init__(
        self,
        serving: Serving,
        loaded: Loaded,
        sockets: tuple[Bound, ...],
        *,
        prefix: str,
        check: StoreCheck | None,
    ) -> None:
        workers = loaded.config.workers
        self._serving = serving
        self._loaded = loaded
        self._sockets = sockets
        self._check = check
        self._page = shared_page(workers)
        self._board = Board(workers, COLUMNS)
        self.names = tuple(f"{prefix}{place}" for place in range(workers))
        for place in range(workers):
            self._board.row(place).beat()

    def work(self, place: int, ready: Callable[[], None]) -> None:
        log_section = self._loaded.config.log
        set_up(log_section.level, log_section.format, sys.stderr)
        logging.getLogger().addHandler(CountLines(self._board.row(place)))
        self._serving.close_in_worker(self._sockets)
        try:
            self._run(place, ready)
        except StoreDamaged as error:
            log.critical("worker=%s must not go on: %s", self.names[place], error)
            raise SystemExit(HOPELESS) from error
        except (CannotListen, CannotOpen, StoreError) as error:
            log.critical("worker=%s cannot start: %s", self.names[place], error)
            raise SystemExit(1) from error

    def _run(self, place: int, ready: Callable[[], None]) -> None:
        mine = Place(
            self.names[place],
            pressure=Pressure(time.monotonic, self._page, place),
            turnstile=self._serving.turnstile,
            row=self._board.row(place),
            board=self._board,
            workers=len(self.names),
            check=self._check if place == 0 else None,
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_worker(self._loaded, self._serving.environment, self._sockets, mine, ready))

    def take_over(self) -> None:
        self._serving.take_over(self._loaded, self._sockets)

    def abandon(self) -> None:
        self._serving.leave_out(self._sockets)

    def is_alive_within(self, seconds: float) -> bool:
        return self._board.oldest_pulse() < seconds
