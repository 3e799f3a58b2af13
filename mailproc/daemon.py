"""``mailproc serve``: takes the store's lock, binds the sockets once, and runs one worker or several.

Ready means that every socket is bound and served.  SIGTERM or SIGINT: no new connection, sessions in
DATA finish within the grace, the chain finishes what it holds, the store is closed.  A second signal
ends at once, which loses nothing either.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

import uvloop

from mailproc.config import Config, Loaded
from mailproc.desk.pressure import Pressure, shared_page
from mailproc.failpoint import FailPoints
from mailproc.listen.lmtp import LmtpSession
from mailproc.listen.session import Session
from mailproc.listen.smtp import SmtpSession
from mailproc.listen.sockets import CannotListen, bind, parse_endpoint
from mailproc.listen.submission import SubmissionSession
from mailproc.notify import Notifier
from mailproc.opening import open_store, store_path
from mailproc.soundness import StoreCheck
from mailproc.store.lock import ServeLock
from mailproc.store.sqlite import write_once
from mailproc.store.turnstile import Turnstile
from mailproc.supervisor import Supervisor, WorkersKeepDying
from mailproc.worker import FIRST, Shared, Sockets, run_worker

log = logging.getLogger("mailproc.daemon")


class CannotServe(Exception):
    """The daemon cannot start or go on; the text says why."""


def serve(loaded: Loaded, environment: Mapping[str, str]) -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        _serve(loaded, environment)
    except (CannotListen, WorkersKeepDying) as error:
        raise CannotServe(str(error)) from error


def _serve(loaded: Loaded, environment: Mapping[str, str]) -> None:
    path = store_path(loaded.config)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ServeLock(path) as lock:
        check = StoreCheck(path)
        if lock.unclean:
            check.before_listening()
        _take_over(loaded.config, environment)
        sockets = bind_all(loaded.config, environment)
        serving = Serving(loaded, environment, sockets, check if not lock.unclean else None)
        if loaded.config.workers == 1:
            serving.alone()
        else:
            serving.together(loaded.config.workers)


def _take_over(config: Config, environment: Mapping[str, str]) -> None:
    """Bring the schema up to date and free what the last run held."""
    store = open_store(config, FailPoints(environment))
    freed = write_once(store.path, lambda tx: tx.deliveries.release_leases() + tx.outbox.release_leases())
    if freed:
        log.info("taken_up=%d left by the last run", freed)


class Serving:
    """One run of the daemon, once the store is locked and the sockets are bound."""

    def __init__(
        self,
        loaded: Loaded,
        environment: Mapping[str, str],
        sockets: Sockets,
        check: StoreCheck | None,
    ) -> None:
        self._loaded = loaded
        self._environment = environment
        self._sockets = sockets
        self._check = check
        self._notifier = Notifier(environment)
        self._page = shared_page(loaded.config.workers)
        self._turnstile = Turnstile()

    def alone(self) -> None:
        """One worker: this process."""
        self._work(FIRST, self._say_ready, self._notifier)

    def together(self, count: int) -> None:
        """Several workers under a supervisor, which tells the service manager of them."""
        supervisor = Supervisor(
            count,
            work=lambda name, ready: self._work(name, ready, Notifier({})),
            on_ready=self._say_ready,
            on_death=self._free_leases,
            notifier=self._notifier,
        )
        supervisor.run()

    def _work(self, name: str, ready: Callable[[], None], notifier: Notifier) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(
                run_worker(
                    self._loaded,
                    self._environment,
                    self._sockets,
                    name=name,
                    shared=Shared(Pressure(self._page, int(name)), self._turnstile),
                    check=self._check if name == FIRST else None,
                    on_ready=ready,
                    notifier=notifier,
                )
            )

    def _say_ready(self) -> None:
        endpoints = [text for text, _ in _endpoints(self._loaded.config)] or ["no socket"]
        log.info("ready on=%s workers=%d", ",".join(endpoints), self._loaded.config.workers)
        print(f"mailproc is ready on {', '.join(endpoints)}", flush=True)
        self._notifier.ready()

    def _free_leases(self, name: str) -> None:
        """What a dead worker held is taken up by the others at once."""
        write_once(store_path(self._loaded.config), lambda tx: tx.deliveries.release_leases(name))


def _endpoints(config: Config) -> Sequence[tuple[str, type[Session]]]:
    sections: Sequence[tuple[Sequence[str], type[Session]]] = (
        (config.lmtp.listen, LmtpSession),
        (config.smtp.listen, SmtpSession),
        (config.submission.listen, SubmissionSession),
    )
    return [(text, session) for listen, session in sections for text in listen]


def bind_all(config: Config, environment: Mapping[str, str]) -> Sockets:
    """Bind every socket of the configuration, before anything is served."""
    return [(session, bind(parse_endpoint(text), environment)) for text, session in _endpoints(config)]
