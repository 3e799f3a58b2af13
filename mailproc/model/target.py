"""A ticket's clocks: how long a customer has waited, without the time in which nobody was to do anything.

``clocks`` turns what happened to a ticket into its clocks, whatever the targets are: ``first`` runs from the
customer's first mail to our first answer, ``next`` from the first mail after that to our next answer (one
clock for each such wait), ``solution`` from opening to closing.  All of them stand still while the ticket is
answered, snoozed, or out of sight (spam, problem, merged); time closed is a pause where a ticket comes back.

All moments are seconds since 1970 UTC; ``seconds`` of a clock are business seconds of a calendar.  Pure: the
same history gives the same clocks, at any time, so that reports and escalation agree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from mailproc.model.calendar import Calendar


class What(StrEnum):
    """What happened to a ticket, as its clocks see it: two kinds of mail, and the states it came into."""

    CUSTOMER = "customer"  # a mail of the customer
    ANSWER = "answer"  # a mail of ours
    WORK = "work"  # somebody is to do something: new or claimed
    ANSWERED = "answered"  # we wait for the customer
    SNOOZED = "snoozed"
    CLOSED = "closed"
    OFF = "off"  # spam, problem, or merged into another ticket


class Kind(StrEnum):
    FIRST = "first"
    NEXT = "next"
    SOLUTION = "solution"


KIND_TITLES = {Kind.FIRST: "first answer", Kind.NEXT: "next answer", Kind.SOLUTION: "solution"}


class End(StrEnum):
    """What ended a clock: the answer that was waited for (or the solution), or closing without one."""

    ANSWER = "answer"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Happening:
    at: float
    what: What


@dataclass(frozen=True, slots=True)
class Pause:
    """From one moment to another, which is infinite where the pause goes on."""

    begins: float
    ends: float
    why: What


@dataclass(frozen=True, slots=True)
class Clock:
    """One wait.  ``ended`` is None while it runs or is paused; pauses are in order and apart."""

    kind: Kind
    started: float
    pauses: tuple[Pause, ...] = ()
    ended: float | None = None
    end: End | None = None

    @property
    def is_running(self) -> bool:
        """It goes on counting, in business time."""
        return self.ended is None and not self.is_paused

    @property
    def is_paused(self) -> bool:
        return self.ended is None and bool(self.pauses) and math.isinf(self.pauses[-1].ends)

    def used(self, calendar: Calendar, now: float) -> float:
        """Business seconds from its beginning to ``now`` or its end, without pauses."""
        return sum(calendar.open_seconds(begins, min(ends, now)) for begins, ends in self._stretches())

    def reaches(self, calendar: Calendar, seconds: float) -> float | None:
        """The moment at which so many business seconds are used.

        None where it ended before, or is paused and goes on nobody knows when, or the calendar never opens
        so long.
        """
        for begins, ends in self._stretches():
            moment = calendar.after(begins, seconds)
            if moment <= ends:
                return None if math.isinf(moment) else moment
            seconds -= calendar.open_seconds(begins, ends)
        return None

    def _stretches(self) -> Iterator[tuple[float, float]]:
        """When it counted: from one pause to the next, the last one without end while it runs."""
        begins = self.started
        for pause in self.pauses:
            if begins < pause.begins:
                yield begins, pause.begins
            begins = pause.ends
        ends = math.inf if self.ended is None else self.ended
        if begins < ends:
            yield begins, ends


@dataclass(frozen=True, slots=True)
class Target:
    """Business seconds allowed for each kind of clock, 0 for any; ``warn`` is a part of them."""

    name: str = ""
    first: float = 0.0
    next: float = 0.0
    solution: float = 0.0
    warn: float = 0.75

    def seconds(self, kind: Kind) -> float:
        if kind is Kind.FIRST:
            return self.first
        return self.next if kind is Kind.NEXT else self.solution


@dataclass(frozen=True, slots=True)
class Timing:
    """A clock against its target at the moment ``now``; ``target`` and ``used`` are business seconds.

    ``warn`` and ``due`` are None where they are not reached and cannot be told: ended before, or paused.
    """

    clock: Clock
    target: float
    used: float
    warn: float | None
    due: float | None
    now: float

    @property
    def is_over(self) -> bool:
        """It took, or has taken by now, longer than the target allows."""
        return self.due is not None and self.due < (
            self.now if self.clock.ended is None else self.clock.ended
        )

    @property
    def is_met(self) -> bool | None:
        """None where nobody can tell: it runs, and in time, or was closed in time without an answer."""
        if self.is_over:
            return False
        return True if self.clock.end is End.ANSWER else None


def timing(clock: Clock, target: Target, calendar: Calendar, now: float) -> Timing | None:
    """How a clock stands at ``now``; None where the target has nothing for its kind."""
    seconds = target.seconds(clock.kind)
    if not seconds:
        return None
    return Timing(
        clock=clock,
        target=seconds,
        used=clock.used(calendar, now),
        warn=clock.reaches(calendar, seconds * target.warn),
        due=clock.reaches(calendar, seconds),
        now=now,
    )


def clocks(opened: float, happenings: Iterable[Happening]) -> tuple[Clock, ...]:
    """The clocks of a ticket opened at ``opened``: first, next …, and the solution as the last one.

    ``happenings`` are in order, none before ``opened``.  A ticket that is out of sight keeps only those
    that have ended.
    """
    history = _History(_Wait(Kind.SOLUTION, opened))
    for happening in happenings:
        history.add(happening)
    return history.clocks()


_COUNTING = frozenset({What.WORK})


@dataclass(slots=True)
class _Wait:
    """A clock while its ticket's history is read."""

    kind: Kind
    started: float
    pauses: list[Pause] = field(default_factory=list)
    paused: Pause | None = None
    ended: float | None = None
    end: End | None = None

    def enter(self, at: float, what: What) -> None:
        """The ticket comes into another state; closing ends what was not ended by an answer."""
        if self.end is End.ANSWER and self.kind is not Kind.SOLUTION:
            return
        self._go_on(at)
        if what is What.CLOSED:
            self.ended = at
            self.end = End.ANSWER if self.kind is Kind.SOLUTION else End.CLOSED
        elif what not in _COUNTING:
            self.paused = Pause(at, math.inf, what)

    def answer(self, at: float) -> None:
        self._go_on(at)
        self.ended, self.end = at, End.ANSWER

    def _go_on(self, at: float) -> None:
        """Whatever stopped it is over; closing was a pause, too."""
        if self.ended is not None:
            self.paused = Pause(self.ended, math.inf, What.CLOSED)
            self.ended = self.end = None
        if self.paused is not None and self.paused.begins < at:
            self.pauses.append(Pause(self.paused.begins, at, self.paused.why))
        self.paused = None

    def clock(self) -> Clock:
        still = (self.paused,) if self.paused is not None else ()
        return Clock(self.kind, self.started, (*self.pauses, *still), self.ended, self.end)


@dataclass(slots=True)
class _History:
    solution: _Wait
    state: What = What.WORK
    waits: list[_Wait] = field(default_factory=list)

    def add(self, happening: Happening) -> None:
        match happening.what:
            case What.CUSTOMER:
                self._wrote(happening.at)
            case What.ANSWER:
                if self.waits and self.waits[-1].end is not End.ANSWER:
                    self.waits[-1].answer(happening.at)
            case state:
                self._enter(happening.at, state)

    def _wrote(self, at: float) -> None:
        """Whom nobody owes an answer begins to wait; in a ticket that rests, from when it rests no more."""
        if self.waits and self.waits[-1].ended is None:
            return
        wait = _Wait(Kind.NEXT if self.waits else Kind.FIRST, at)
        if self.state not in _COUNTING:
            wait.paused = Pause(at, math.inf, self.state)
        self.waits.append(wait)

    def _enter(self, at: float, state: What) -> None:
        if state is self.state:
            return
        self.state = state
        self.solution.enter(at, state)
        if self.waits:
            self.waits[-1].enter(at, state)

    def clocks(self) -> tuple[Clock, ...]:
        found = (wait.clock() for wait in (*self.waits, self.solution))
        if self.state in (What.OFF, What.CLOSED):  # a mail to a closed ticket that stays closed waits not
            found = (clock for clock in found if clock.ended is not None)
        return tuple(found)
