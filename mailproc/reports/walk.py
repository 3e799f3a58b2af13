"""Walk through a ticket's history once, up to the end of a report's period.

What comes of it is what ``model.happening`` and ``model.target`` say of the same history, which tests hold it
against; but those make objects of each thing that happened, and a report walks through tens of thousands of
tickets.  All of a ticket's clocks run and rest together, so that one number tells them: the business time in
which somebody was to do something.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from mailproc.model.happening import OLDER, SPLIT, STATES, THANKED, TOLD
from mailproc.model.target import Kind, What
from mailproc.model.ticket import State
from mailproc.reports.ruler import Ruler
from mailproc.store.connection import Row
from mailproc.store.figures import Case

MERGED = "merged"  # the state of a report's own
_OF = {state.value: STATES[state] for state in State}
_WORK, _CLOSED, _OFF = What.WORK, What.CLOSED, What.OFF
_CUSTOMER, _ANSWER = What.CUSTOMER, What.ANSWER
_ORDER = itemgetter(0)

NO_PARTS: Mapping[int, float] = MappingProxyType({})

Step = tuple[float, What, str]  # when, what, and who answered or which state


class Wait(NamedTuple):
    """A clock that has ended.  ``used`` are business seconds; ``agent`` is who answered."""

    kind: Kind
    ended: float
    used: float
    is_met: bool  # by an answer, or for a solution by closing
    agent: str = ""


class Walked(NamedTuple):
    """``state`` is the last one, or ``MERGED``; ``running`` are kinds and business seconds used."""

    answers: list[tuple[float, str]]
    waits: list[Wait]
    running: list[tuple[Kind, float]]
    back: list[float]  # when it came back after it was closed
    state: str
    was_spam: bool  # when it was opened


def walk_family(case: Case, ruler: Ruler, end: float) -> Walked:
    """A ticket; its waits are those of all that was merged into it, and a part of another has none.

    Nor has one that was opened only later: a part of it may be older.
    """
    walked = walk(case.head.opened, case.messages, case.events, ruler, end)
    if case.head.merged_into is not None or case.head.opened >= end:
        return walked._replace(waits=[], running=[])
    if case.family is None:
        return walked
    family = case.family
    together = walk(case.head.opened, family.messages, family.events, ruler, end, family.opened)
    return walked._replace(waits=together.waits, running=together.running)


def walk(
    opened: float,
    messages: Sequence[Row],
    events: Sequence[Row],
    ruler: Ruler,
    end: float,
    parts: Mapping[int, float] = NO_PARTS,
) -> Walked:
    """Up to, but not including, a moment; rows as ``store.figures.Case`` has them.

    ``parts`` is when each ticket was opened whose messages these are, where there are several.
    """
    steps, wrote = _of_letters(messages, opened, end, parts)
    answers, states, was_spam = _of_events(events, steps, wrote, opened, end)
    steps += [(at, _ANSWER, who) for at, who, _ in answers]
    steps += states
    steps.sort(key=_ORDER)
    pace = _Pace(opened, ruler)
    for step in steps:
        pace.take(step)
    told, state = [(max(at, opened), who) for at, who, _ in answers], states[-1][2] if states else "new"
    return Walked(told, pace.ended(), pace.running(end), pace.back, state, was_spam)


def _of_letters(
    messages: Sequence[Row], opened: float, end: float, parts: Mapping[int, float]
) -> tuple[list[Step], list[float]]:
    steps: list[Step] = []
    wrote: list[float] = []
    known: set[str] = set()
    last = -math.inf
    for ticket, at, direction, automatic, agent, message_id in messages:
        if at >= end:
            continue
        if at > last:
            last = at
        if direction == "in":
            if automatic == "none" and message_id not in known:
                if message_id:
                    known.add(message_id)
                steps.append((last, _CUSTOMER, ""))
                wrote.append(last)
        elif agent and direction == "out" and at < parts.get(ticket, opened):
            steps.append((last, _ANSWER, agent))
    return steps, wrote


def _of_events(
    events: Sequence[Row], steps: list[Step], wrote: list[float], opened: float, end: float
) -> tuple[list[tuple[float, str, str]], list[Step], bool]:
    """Answers (when, who, to whom), states, and whether it was opened as spam: ``model.happening``."""
    answers: list[tuple[float, str, str]] = []
    states: list[Step] = []
    was_spam, last = False, -math.inf
    _forget_thanks(events, steps, wrote, end)
    last_split = max((place for place, event in enumerate(events) if event[2] == SPLIT), default=-1)
    for place, (_, at, what, who, detail, state) in enumerate(events):
        if at >= end or what == SPLIT or (state is None and what not in TOLD):
            continue
        if what == "opened":
            at, was_spam = opened, state == "spam"
        elif what == "follow_up" and place > last_split:
            at = _accepted(at, wrote)
        if at > last:
            last = at
        if what == "answered":
            answers.append((last, who, detail.removesuffix(OLDER)))
        elif what == "taken_back":
            _take_back(answers, detail.removeprefix("an answer "))
        if state:
            states.append((last, _OF[state], state))
        elif what == "merged" and detail.startswith("into "):
            states.append((last, _OFF, MERGED))
    return answers, states, was_spam


def _accepted(at: float, wrote: Sequence[float]) -> float:
    """When the mail was that joined at a moment."""
    newest = bisect_right(wrote, at)
    return wrote[newest - 1] if newest else at


def _forget_thanks(events: Sequence[Row], steps: list[Step], wrote: list[float], end: float) -> None:
    """A mail that only says thanks starts nothing; it is the customer's newest at that time."""
    for _, at, what, _, _, _ in events:
        newest = bisect_right(wrote, at) - 1 if what == THANKED and at < end else -1
        if newest >= 0:
            place = max(number for number, step in enumerate(steps) if step[:2] == (wrote[newest], _CUSTOMER))
            del steps[place], wrote[newest]


def _take_back(answers: list[tuple[float, str, str]], detail: str) -> None:
    for place in reversed(range(len(answers))):
        if answers[place][2] == detail:
            del answers[place]
            return


class _Pace:
    """The clocks of a ticket while its history is walked through."""

    def __init__(self, opened: float, ruler: Ruler) -> None:
        self.back: list[float] = []
        self._ruler = ruler
        self._state = _WORK
        self._worked = 0.0  # business time in which somebody was to do something …
        self._now, self._mark = opened, ruler.at(opened)  # … until then, when the ruler showed this
        self._solved = 0.0
        self._done: list[Wait] = []
        self._kind: Kind | None = None  # of the newest wait
        self._began = self._used = 0.0
        self._ended: float | None = None
        self._by: str | None = None  # who answered; "" where closing ended it

    def take(self, step: Step) -> None:
        at, what, name = step
        if at > self._now:
            self._go_to(at)
        else:
            at = self._now  # at the same moment, or from before the ticket was opened
        if what is _CUSTOMER:
            if self._kind is None or self._ended is not None:
                self._wait()
        elif what is _ANSWER:
            if self._kind is not None and not self._by:
                self._ended, self._used, self._by = at, self._worked - self._began, name
        elif what is not self._state:
            self._enter(at, what)

    def _go_to(self, at: float) -> None:
        """Much happens at one moment, which is looked for on the ruler once."""
        mark = self._ruler.at(at)
        if self._state is _WORK:
            self._worked += mark - self._mark
        self._now, self._mark = at, mark

    def _wait(self) -> None:
        if self._kind is None:
            self._kind = Kind.FIRST
        else:
            self._done += self._newest()
            self._kind = Kind.NEXT
        self._began, self._ended, self._by = self._worked, None, None

    def _newest(self) -> list[Wait]:
        if self._kind is None or self._ended is None:
            return []
        return [Wait(self._kind, self._ended, self._used, bool(self._by), self._by or "")]

    def _enter(self, at: float, state: What) -> None:
        if self._state is _CLOSED and state is not _OFF:
            self.back.append(at)
        self._state = state
        if state is _CLOSED:
            self._solved = at
        if self._kind is not None and not self._by:
            if state is _CLOSED:
                self._ended, self._used, self._by = at, self._worked - self._began, ""
            else:
                self._ended = self._by = None

    def ended(self) -> list[Wait]:
        """All that have ended."""
        waits = self._done + self._newest()
        if self._state is _CLOSED:
            waits.append(Wait(Kind.SOLUTION, self._solved, self._worked, is_met=True))
        return waits

    def running(self, now: float) -> list[tuple[Kind, float]]:
        """All that have not; none of a ticket that is closed or out of sight."""
        if self._state is _CLOSED or self._state is _OFF:
            return []
        self._go_to(now)
        is_waiting = self._kind is not None and self._ended is None
        waits = [(self._kind, self._worked - self._began)] if self._kind is not None and is_waiting else []
        return [*waits, (Kind.SOLUTION, self._worked)]
