"""Keeps the workers: forks them, starts anew those that die, replaces all of them by a reload, stops them.

The supervisor runs no threads and no event loop, so that forking is safe at any time.  Workers share the
sockets and the store; a worker that dies takes no mail with it, and what it held is given to the others.
Where there is only one, the daemon ends as its worker did, and the service manager starts all of it anew.
A worker that ends as hopeless takes all others with it: it found what must not be worked on.
A worker whose supervisor is killed ends in order.

SIGHUP: a new crew is started beside the old one, on the same sockets.  Only when all of it is ready does
the old one retire; a crew that does not get ready changes nothing.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable

from mailproc.crew import HOPELESS, RETIRE, WATCHED, Crew, Member, Processes
from mailproc.notify import Notifier

log = logging.getLogger("mailproc.supervisor")

ENDS = (signal.SIGTERM, signal.SIGINT)
PAUSE = 1.0  # seconds before a dead worker is started anew
MOST_DEATHS = 10  # within …
SPAN = 60.0  # … seconds; more is no accident
LONGEST_RETIREMENT = 120.0  # seconds; then a worker that was replaced is killed
LOOK = 0.05  # seconds between two looks whether workers have become ready


class WorkersFailed(Exception):
    """No worker can go on, or they die faster than it makes sense to start them; their log says why."""


class CannotRenew(Exception):
    """There is no new crew; the text says why, in one line."""


class Supervisor:
    """``renew`` makes the crew of the configuration as it is now, or raises CannotRenew."""

    def __init__(
        self, *, renew: Callable[[], Crew], on_end: Callable[[str], None], notifier: Notifier
    ) -> None:
        self._renew = renew
        self._on_end = on_end
        self._notifier = notifier
        self._workers = Processes()
        self._crew: Crew | None = None  # none until the first one is ready
        self._retiring: list[tuple[Crew, float]] = []  # and when they are killed, by the monotonic clock
        self._deaths: list[float] = []
        self._stopping = False
        self._ended_by = 0  # a signal
        self._failure = ""  # why all were told to end, where nobody asked for it

    def run(self, crew: Crew) -> None:
        """Until SIGTERM or SIGINT, and until the last worker has ended."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        if self._start(crew):
            self._crew = crew
            crew.take_over()
            self._notifier.ready()
        elif not self._stopping:
            raise WorkersFailed("a worker ended before it was ready")
        while self._workers:
            self._handle(self._next_signal())
        if self._ended_by:
            _end_by(self._ended_by)
        if self._failure:
            raise WorkersFailed(self._failure)

    def _handle(self, caught: int | None) -> None:
        if caught == signal.SIGCHLD:
            self._bury()
        elif caught == signal.SIGHUP:
            self._reload()
        elif caught is not None:
            self._stop(caught)
        self._kill_the_retired()
        self._say_alive()

    def _next_signal(self) -> int | None:
        longest = self._notifier.watchdog_interval or 3600.0
        found = signal.sigtimedwait(WATCHED, min(longest, 5.0) if self._retiring else longest)
        return found.si_signo if found else None

    def _say_alive(self) -> None:
        """Not where a worker's loop stands still: then the service manager shall start us anew."""
        interval = self._notifier.watchdog_interval
        if interval is None or self._crew is None:
            return
        if self._crew.is_alive_within(2 * interval):
            self._notifier.alive()
        else:
            log.critical("a worker was not heard of for %g s", 2 * interval)

    # A crew comes.

    def _start(self, crew: Crew) -> bool:
        """Whether all of it got ready; if not, those that did are told to end."""
        ready, told = os.pipe()
        os.set_blocking(ready, False)
        try:
            for place in range(len(crew.names)):
                self._workers.fork(Member(crew, place), lambda: _tell(told))
            return self._all_are_ready(crew, ready)
        finally:
            os.close(ready)
            os.close(told)

    def _all_are_ready(self, crew: Crew, ready: int) -> bool:
        """One byte comes from each worker."""
        waiting = len(crew.names)
        while waiting:
            caught = signal.sigtimedwait({*ENDS, signal.SIGCHLD}, LOOK)
            if caught and caught.si_signo in ENDS:
                self._stop(caught.si_signo)
                return False
            if caught and crew in self._bury():
                self._workers.tell(signal.SIGTERM, crew)
                return False
            try:
                waiting -= len(os.read(ready, waiting))
            except BlockingIOError:
                self._say_alive()
        return True

    def _reload(self) -> None:
        if self._stopping or self._crew is None:
            return
        self._notifier.reloading()
        outcome = self._outcome_of_reload(self._crew)
        if not self._stopping:
            self._notifier.ready(outcome)

    def _outcome_of_reload(self, old: Crew) -> str:
        try:
            crew = self._renew()
        except CannotRenew as error:
            log.error("reload refused, the old configuration stays: %s", error)
            return f"reload refused: {error}"
        if not self._start(crew):
            crew.abandon()
            log.error("reload failed, the old configuration stays: the new workers did not get ready")
            return "reload failed: the new workers did not get ready"
        self._retire(old)
        self._crew = crew
        crew.take_over()
        return ""

    # A crew goes.

    def _retire(self, crew: Crew) -> None:
        self._workers.tell(RETIRE, crew)
        self._retiring.append((crew, time.monotonic() + LONGEST_RETIREMENT))

    def _kill_the_retired(self) -> None:
        self._retiring = [(crew, until) for crew, until in self._retiring if self._workers.has(crew)]
        for crew, until in self._retiring:
            if time.monotonic() > until:
                log.warning("workers=%s do not end: killing them", ",".join(crew.names))
                self._workers.tell(signal.SIGKILL, crew)

    def _bury(self) -> list[Crew]:
        """See to workers that have ended; the crews that they were of."""
        ended = self._workers.reap()
        for member, status in ended:
            if status == HOPELESS:
                self._give_up(f"worker {member.name} cannot go on, and no other could")
            if not self._stopping:
                self._on_end(member.name)
            if not self._stopping and self._is_needed(member):
                self._replace(member, status)
        return [member.crew for member, _ in ended]

    def _is_needed(self, member: Member) -> bool:
        """Nobody is of a crew that retires, or that is started beside another."""
        return self._crew in (None, member.crew)

    def _replace(self, member: Member, status: int) -> None:
        if self._crew is None or len(member.crew.names) == 1:
            self._end_like(member, status)
            return
        log.critical("worker=%s ended status=%d: starting it anew", member.name, status)
        self._count_death()
        if not self._stopping:
            time.sleep(PAUSE)
            self._workers.fork(member)

    def _end_like(self, member: Member, status: int) -> None:
        if status < 0:
            log.critical("worker=%s ended by signal %d, and so does the daemon", member.name, -status)
            _end_by(-status)
        if status > 0:
            raise WorkersFailed("the worker ended")

    def _count_death(self) -> None:
        now = time.monotonic()
        self._deaths = [*(death for death in self._deaths if now - death < SPAN), now]
        if len(self._deaths) > MOST_DEATHS:
            self._give_up(f"{len(self._deaths)} workers ended within {SPAN:g} s")

    def _give_up(self, failure: str) -> None:
        self._failure = failure
        if not self._stopping:
            self._stop(signal.SIGTERM)

    def _stop(self, number: int) -> None:
        """End all in order; a second signal ends them at once, and us too."""
        if self._stopping:
            self._ended_by = number
            self._workers.tell(signal.SIGKILL)
            return
        self._stopping = True
        self._notifier.stopping()
        self._workers.tell(signal.SIGTERM)


def _tell(told: int) -> None:
    os.write(told, b"1")


def _end_by(number: int) -> None:
    """End as that signal ends a process, whatever we did about it so far."""
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
