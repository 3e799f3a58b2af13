"""Discrete events: processes that take resources, hold them for a time and give them back.

A process is a generator that yields what it waits for: ``Hold`` (seconds), ``Take`` (a resource), or a
``Signal`` that another one sends.  Whoever waits for a resource is served by rank, then in the order of
arrival.  Nothing happens by chance here: who wants chance draws it from a generator of his own.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Generator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Hold:
    """Time goes by."""

    seconds: float


@dataclass(slots=True)
class Resource:
    """``servers`` may have it at once; ``busy`` adds up the seconds for which it was had."""

    servers: int = 1
    taken: int = 0
    busy: float = 0.0
    waiting: list[tuple[int, int, Process]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Take:
    """Wait until one of the servers is free; a lower rank goes first."""

    resource: Resource
    rank: int = 0


@dataclass(slots=True)
class Signal:
    """Wakes whoever waits for it; one that was sent stays sent."""

    sent: bool = False
    waiting: list[Process] = field(default_factory=list)


Process = Generator[Hold | Take | Signal, None, None]


class Simulation:
    """``now`` is in seconds; ``run`` goes on until nothing is left to happen, or until a moment."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Process]] = []

    def start(self, process: Process, after: float = 0.0) -> None:
        heapq.heappush(self._agenda, (self.now + after, next(self._order), process))

    def run(self, until: float = float("inf")) -> None:
        while self._agenda and self._agenda[0][0] <= until:
            self.now, _, process = heapq.heappop(self._agenda)
            self._step(process)

    def give(self, resource: Resource) -> None:
        """Give back what was taken."""
        resource.busy += self.now
        resource.taken -= 1
        if resource.waiting:
            _, _, process = heapq.heappop(resource.waiting)
            self._have(resource)
            self.start(process)

    def send(self, signal: Signal) -> None:
        signal.sent = True
        for process in signal.waiting:
            self.start(process)
        signal.waiting.clear()

    def _have(self, resource: Resource) -> None:
        resource.busy -= self.now
        resource.taken += 1

    def _step(self, process: Process) -> None:
        """Until it waits for something."""
        for wanted in process:
            if isinstance(wanted, Hold):
                self.start(process, wanted.seconds)
                return
            if isinstance(wanted, Signal):
                if not wanted.sent:
                    wanted.waiting.append(process)
                    return
            elif wanted.resource.taken < wanted.resource.servers:
                self._have(wanted.resource)
            else:
                heapq.heappush(wanted.resource.waiting, (wanted.rank, next(self._order), process))
                return
