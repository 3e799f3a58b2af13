"""Several workers on one store: forks them, starts anew those that die, stops them in order.

The supervisor runs no threads and no event loop, so that forking is safe at any time.  Workers share the
sockets and the store; a worker that dies takes no mail with it, and what it held is given to the others.
A worker whose supervisor is killed ends in order.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import time
from collections.abc import Callable

from mailproc.notify import Notifier

log = logging.getLogger("mailproc.supervisor")

WATCHED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP}
PAUSE = 1.0  # seconds before a dead worker is started anew
MOST_DEATHS = 10  # within …
SPAN = 60.0  # … seconds; more is no accident

_PR_SET_PDEATHSIG = 1  # prctl(2)


class WorkersKeepDying(Exception):
    """Workers die faster than it makes sense to start them; their log says why."""


class Supervisor:
    """Keeps ``count`` processes at ``work(name, ready)``, which returns when the process got SIGTERM."""

    def __init__(
        self,
        count: int,
        *,
        work: Callable[[str, Callable[[], None]], None],
        on_ready: Callable[[], None],
        on_death: Callable[[str], None],
        notifier: Notifier,
    ) -> None:
        self._count = count
        self._work = work
        self._on_ready = on_ready
        self._on_death = on_death
        self._notifier = notifier
        self._names: dict[int, str] = {}  # by process id
        self._deaths: list[float] = []
        self._stopping = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT, and until the last worker has ended."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        ready, told = os.pipe()
        for number in range(self._count):
            self._fork(str(number), told)
        self._wait_until_ready(ready)
        while self._names:
            caught = self._next_signal()
            if caught is None:
                self._notifier.alive()
            elif caught == signal.SIGCHLD:
                self._bury(told)
            elif caught == signal.SIGHUP:
                self._pass_on(signal.SIGHUP)
            else:
                self._stop()

    def _next_signal(self) -> int | None:
        found = signal.sigtimedwait(WATCHED, self._notifier.watchdog_interval or 3600.0)
        return found.si_signo if found else None

    def _wait_until_ready(self, ready: int) -> None:
        """One byte comes from each worker; a worker that dies instead ends everything."""
        waiting = self._count
        os.set_blocking(ready, False)
        while waiting:
            caught = signal.sigtimedwait(WATCHED, 0.05)
            if caught and caught.si_signo in (signal.SIGTERM, signal.SIGINT):
                self._stop()
                return
            if caught and caught.si_signo == signal.SIGCHLD and self._reap():
                self._stop()
                raise WorkersKeepDying("a worker ended before it was ready")
            try:
                waiting -= len(os.read(ready, waiting))
            except BlockingIOError:
                continue
        self._on_ready()

    def _fork(self, name: str, told: int) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self._names[pid] = name
            return
        status = 1
        try:
            _die_with(parent)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
            self._work(name, lambda: _tell(told))
            status = 0
        except BaseException:
            log.exception("worker=%s", name)
        finally:
            os._exit(status)

    def _reap(self) -> list[tuple[str, int]]:
        """Names and exit statuses of workers that have ended."""
        ended = []
        while self._names:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended.append((self._names.pop(pid), os.waitstatus_to_exitcode(status)))
        return ended

    def _bury(self, told: int) -> None:
        for name, status in self._reap():
            if self._stopping:
                continue
            log.critical("worker=%s ended status=%d: starting it anew", name, status)
            self._count_death()
            self._on_death(name)
            time.sleep(PAUSE)
            self._fork(name, told)

    def _count_death(self) -> None:
        now = time.monotonic()
        self._deaths = [*(death for death in self._deaths if now - death < SPAN), now]
        if len(self._deaths) > MOST_DEATHS:
            self._stop()
            raise WorkersKeepDying(f"{len(self._deaths)} workers ended within {SPAN:g} s")

    def _stop(self) -> None:
        """Pass the signal on; a second one ends the workers at once."""
        number = signal.SIGKILL if self._stopping else signal.SIGTERM
        if not self._stopping:
            self._notifier.stopping()
        self._stopping = True
        self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        for pid in self._names:
            os.kill(pid, number)


def _tell(told: int) -> None:
    os.write(told, b"1")


def _die_with(parent: int) -> None:
    """Ask the kernel for SIGTERM when the supervisor dies (Linux); it may have died already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
