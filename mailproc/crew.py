"""The workers of one configuration, as the supervisor knows them: a crew, and each member's process."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

log = logging.getLogger("mailproc.supervisor")

WATCHED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP}
RETIRE = signal.SIGUSR1  # to a worker: others have come, so go when nobody needs you any more

HOPELESS = 3  # exit status of a worker: no other in its place could go on, either

_PR_SET_PDEATHSIG = 1  # prctl(2)


class Crew(Protocol):
    """What the workers of one configuration are to do."""

    @property
    def names(self) -> tuple[str, ...]:
        """One for each worker; no two crews of one daemon have one in common."""
        ...

    def work(self, place: int, ready: Callable[[], None]) -> None:
        """Run in the worker's process until it gets SIGTERM, or ``RETIRE``; ``ready`` when it serves.

        SystemExit where it cannot; with ``HOPELESS`` where no other worker could either.
        """
        ...

    def take_over(self) -> None:
        """All are ready, and this is the crew from now on."""
        ...

    def abandon(self) -> None:
        """They did not get ready: undo what was prepared for them."""
        ...

    def is_alive_within(self, seconds: float) -> bool:
        """Whether every worker's event loop turned within that time."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """A process of a crew."""

    crew: Crew
    place: int

    @property
    def name(self) -> str:
        return self.crew.names[self.place]


class Processes:
    """All workers that have not ended, of whatever crew."""

    def __init__(self) -> None:
        self._members: dict[int, Member] = {}  # by process id

    def __bool__(self) -> bool:
        return bool(self._members)

    def fork(self, member: Member, ready: Callable[[], None] = lambda: None) -> None:
        """Start a worker.  The process must have no threads."""
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self._members[pid] = member
            return
        status = 1
        try:
            _die_with(parent)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
            member.crew.work(member.place, ready)
            status = 0
        except SystemExit as leaving:  # it has said why
            status = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException:
            log.exception("worker=%s", member.name)
        finally:
            os._exit(status)

    def reap(self) -> list[tuple[Member, int]]:
        """Who has ended, with the exit status; minus the signal's number."""
        ended = []
        for pid in tuple(self._members):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                ended.append((self._members.pop(pid), os.waitstatus_to_exitcode(status)))
        return ended

    def tell(self, number: int, crew: Crew | None = None) -> None:
        """Send a signal to the workers of a crew, or to all."""
        for pid in self._of(crew):
            os.kill(pid, number)

    def has(self, crew: Crew) -> bool:
        return any(self._of(crew))

    def _of(self, crew: Crew | None) -> Iterator[int]:
        return (pid for pid, member in self._members.items() if crew is None or member.crew is crew)


def _die_with(parent: int) -> None:
    """Ask the kernel for SIGTERM when the supervisor dies (Linux); it may have died already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
