"""The simulated desk's own books: what happened to each ticket, minute by minute, and what follows from it.

Written from docs/reference/targets.md and docs/reference/waiting.md alone; nothing of mailproc is called.  A
minute is a number of seconds since 1970 that 60 divides, everything happens at one, and business time is
counted one minute after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

MINUTE = 60
HOUR, DAY = 60, 24 * 60  # minutes
FAR = 60 * DAY  # so far the due time of a clock that runs is looked for
WORK = "work"
PHASES = {"new": WORK, "claimed": WORK, "spam": "off", "problem": "off"}  # others are called as they are
OUT_OF_SIGHT = ("off", "closed")


@dataclass(frozen=True)
class Hours:
    """When a desk works: spans of minutes of the day for each weekday, Monday first; none: always."""

    zone: ZoneInfo
    week: tuple[tuple[tuple[int, int], ...], ...] = ()
    holidays: tuple[date, ...] = ()

    def is_open(self, at: int) -> bool:
        """Whether the minute that begins then is business time."""
        if not self.week:
            return True
        there = datetime.fromtimestamp(at, self.zone)
        minute = there.hour * HOUR + there.minute
        return there.date() not in self.holidays and any(
            begins <= minute < ends for begins, ends in self.week[there.weekday()]
        )


@dataclass(frozen=True)
class Goal:
    """A target: minutes allowed for each kind of clock, and for whom."""

    name: str
    minutes: dict[str, int]
    warn: float
    priority: str = ""
    tag: str = ""

    def fits(self, tags: set[str]) -> bool:
        priority = "high" if "priority-high" in tags else "low" if "priority-low" in tags else "normal"
        return self.priority in ("", priority) and (not self.tag or self.tag in tags)


@dataclass(frozen=True)
class Step:
    """Of an escalation: what is done ``after`` so many minutes beyond warning or due time."""

    of: tuple[str, ...]
    at: str
    after: int = 0
    tag: str = ""
    priority: str = ""
    mail: tuple[str, ...] = ()
    lay: bool = False
    release: bool = False

    def needs(self, goal: Goal, kind: str) -> int | None:
        """Business minutes that must have been used."""
        allowed = goal.minutes.get(kind, 0)
        if kind not in self.of or not allowed:
            return None
        return round(allowed * (goal.warn if self.at == "warn" else 1)) + self.after


@dataclass(frozen=True)
class Rules:
    """Of one desk."""

    name: str
    hours: Hours
    agents: tuple[str, ...]
    goals: tuple[Goal, ...] = ()
    steps: tuple[Step, ...] = ()
    lead: str = ""
    close_after: int = 0  # minutes, plain time; 0: never
    close_warning: int = 0


@dataclass
class Clock:
    """One wait; ``counted`` are the business minutes in which somebody was to do something."""

    kind: str
    started: int
    counted: list[int] = field(default_factory=list)
    pauses: list[tuple[int, int, str]] = field(default_factory=list)
    paused: tuple[int, str] | None = None
    ended: int | None = None
    end: str = ""
    agent: str = ""

    def go_on(self, at: int) -> None:
        if self.ended is not None:
            self.paused, self.ended, self.end = (self.ended, "closed"), None, ""
        if self.paused is not None and self.paused[0] < at:
            self.pauses.append((self.paused[0], at, self.paused[1]))
        self.paused = None

    def enter(self, at: int, phase: str) -> None:
        """The ticket comes into another phase; an answer that was given stays given."""
        if self.end == "answer" and self.kind != "solution":
            return
        self.go_on(at)
        if phase == "closed":
            self.ended, self.end = at, "answer" if self.kind == "solution" else "closed"
        elif phase != WORK:
            self.paused = (at, phase)

    def reached(self, minutes: int) -> int | None:
        """When so many were used."""
        return self.counted[minutes - 1] + MINUTE if 0 < minutes <= len(self.counted) else None


@dataclass
class Case:
    """One ticket."""

    number: str
    rules: Rules
    subject: str
    customer: str
    opened: int
    state: str = "new"
    owner: str = ""
    tags: set[str] = field(default_factory=set)
    solution: Clock = field(init=False)
    waits: list[Clock] = field(default_factory=list)
    letters: list[tuple[int, str]] = field(default_factory=list)  # what came in: when, class
    answers: list[tuple[int, str]] = field(default_factory=list)
    events: list[tuple[int, str]] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    fired: set[tuple[str, int, int]] = field(default_factory=set)
    wakes: int | None = None
    silent_since: int | None = None
    warned: int | None = None

    def __post_init__(self) -> None:
        self.solution = Clock("solution", self.opened)
        if self.phase != WORK:
            self.solution.enter(self.opened, self.phase)

    @property
    def phase(self) -> str:
        return PHASES.get(self.state, self.state)

    @property
    def goal(self) -> Goal | None:
        return next((goal for goal in self.rules.goals if goal.fits(self.tags)), None)

    @property
    def clocks(self) -> list[Clock]:
        return [*self.waits, self.solution]

    @property
    def shown(self) -> list[Clock]:
        """Those that have a target; of a ticket out of sight only what has ended."""
        goal = self.goal
        return [
            clock
            for clock in self.clocks
            if goal and goal.minutes.get(clock.kind) and (self.phase not in OUT_OF_SIGHT or clock.ended)
        ]

    def note(self, at: int, *whats: str) -> None:
        self.events += [(at, what) for what in whats]

    def enter(self, at: int, state: str, what: str, owner: str | None = None) -> None:
        """Another state, with its event."""
        before, self.state = self.phase, state
        self.owner = self.owner if owner is None else owner
        self.note(at, what)
        self.wakes = None
        self.silent_since = at if state == "answered" else None
        self.warned = None
        if self.phase == before:
            return
        if before == "closed" and self.phase != "off":
            self.back.append(at)
        for clock in (*self.waits[-1:], self.solution):
            clock.enter(at, self.phase)

    def work_on(self, at: int, what: str, owner: str | None = None) -> None:
        """With its owner, or New where there is none."""
        who = self.owner if owner is None else owner
        self.enter(at, "claimed" if who else "new", what, who)

    def wrote(self, at: int) -> None:
        """A customer's mail: who waits for nothing begins to wait."""
        if self.waits and self.waits[-1].ended is None:
            return
        wait = Clock("next" if self.waits else "first", at)
        if self.phase != WORK:
            wait.paused = (at, self.phase)
        self.waits.append(wait)

    def answered(self, at: int, agent: str) -> None:
        self._gets_answer(at, agent)
        self.enter(at, "answered", "answered", self.owner or agent)

    def answered_late(self, at: int, agent: str) -> None:
        """An answer to a mail that is not the customer's newest: what became of the ticket stays."""
        self._gets_answer(at, agent)
        self.note(at, "answered")

    def _gets_answer(self, at: int, agent: str) -> None:
        self.answers.append((at, agent))
        if self.waits and self.waits[-1].end != "answer":
            wait = self.waits[-1]
            wait.go_on(at)
            wait.ended, wait.end, wait.agent = at, "answer", agent

    def count(self, minute: int) -> None:
        """A business minute goes by."""
        for clock in self.clocks:
            if clock.ended is None and clock.paused is None:
                clock.counted.append(minute)

    def steps_due(self) -> Iterator[tuple[int, Clock, int, Step]]:
        """What is to be done, with its moment, of the clocks that count."""
        goal = self.goal
        if goal is None or self.phase != WORK:
            return
        for clock in self.clocks:
            if clock.ended is not None:
                continue
            for number, step in enumerate(self.rules.steps):
                needed = step.needs(goal, clock.kind)
                moment = clock.reached(needed) if needed else None
                if moment is not None and (clock.kind, clock.started, number) not in self.fired:
                    yield moment, clock, number, step

    def escalate(self, at: int, tell: Callable[[Case, str], None]) -> None:
        """Take the steps that are due, in their order; each may change what the next ones count from."""
        while due := min(self.steps_due(), key=lambda each: each[0], default=None):
            _, clock, number, step = due
            self.fired.add((clock.kind, clock.started, number))
            self.note(at, "escalated")
            self.tags |= {step.tag} - {""}
            if step.priority:
                self.tags -= {"priority-high", "priority-low"}
                self.tags.add(f"priority-{step.priority}")
            people = {"owner": (self.owner,), "team": self.rules.agents, "lead": (self.rules.lead,)}
            for agent in dict.fromkeys(agent for each in step.mail for agent in people[each] if agent):
                tell(self, agent)
            if step.release and self.owner:
                self.enter(at, "new", "released", "")

    def due(self, clock: Clock, minutes: int, now: int) -> int | None:
        """When so many minutes of it are used; None where it ended before, or nobody knows."""
        found = clock.reached(minutes)
        if found is not None or clock.ended is not None or clock.paused is not None:
            return found
        missing = minutes - len(clock.counted)
        for minute in range(now, now + FAR * MINUTE, MINUTE):
            missing -= self.rules.hours.is_open(minute)
            if not missing:
                return minute + MINUTE
        return None
