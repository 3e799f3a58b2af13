"""What the simulated desk's books know of time: business hours, targets, steps, and how clocks run and rest.

Written from docs/reference/targets.md and docs/reference/calendar.md alone; nothing of mailproc is called.  A
minute is a number of seconds since 1970 that 60 divides, and business time is counted one minute after the
other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

MINUTE = 60
HOUR, DAY = 60, 24 * 60  # minutes
WORK = "work"


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

    @property
    def moment(self) -> str:
        return f"{self.at}+{self.after}"

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
    claim_expires: int = 0  # business minutes; 0: never
    send_delay: int = 0  # minutes

    def step_keys(self) -> list[str]:
        """What a step is known by: its desk, its moment, and its place among those of the same one."""
        moments = [step.moment for step in self.steps]
        return [f"{self.name} {each} {moments[:place].count(each)}" for place, each in enumerate(moments)]

    def expired_before(self, now: int) -> int:
        """A claim expires where nothing happened since before this moment."""
        left = self.claim_expires
        while left:
            now -= MINUTE
            left -= self.hours.is_open(now)
        return now


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
class Course:
    """The clocks of a ticket while its history is told; ``phase`` is the one that it is in."""

    opened: int
    phase: str = WORK
    solution: Clock = field(init=False)
    waits: list[Clock] = field(default_factory=list)
    back: list[int] = field(default_factory=list)  # when it came back after closing

    def __post_init__(self) -> None:
        self.solution = Clock("solution", self.opened)
        if self.phase != WORK:
            self.solution.enter(self.opened, self.phase)

    def take(self, at: int, what: str, about: str) -> None:
        if what == "wrote":
            self._wrote(at)
        elif what == "answer":
            self._gets_answer(at, about)
        elif about != self.phase:
            self._enter(at, about)

    def _enter(self, at: int, phase: str) -> None:
        if self.phase == "closed" and phase != "off":
            self.back.append(at)
        self.phase = phase
        for clock in (*self.waits[-1:], self.solution):
            clock.enter(at, phase)

    def _wrote(self, at: int) -> None:
        """A customer's mail: who waits for nothing begins to wait."""
        if self.waits and self.waits[-1].ended is None:
            return
        wait = Clock("next" if self.waits else "first", at)
        if self.phase != WORK:
            wait.paused = (at, self.phase)
        self.waits.append(wait)

    def _gets_answer(self, at: int, agent: str) -> None:
        if self.waits and self.waits[-1].end != "answer":
            wait = self.waits[-1]
            wait.go_on(at)
            wait.ended, wait.end, wait.agent = at, "answer", agent

    def count(self, minute: int) -> None:
        """A business minute goes by."""
        for clock in (*self.waits, self.solution):
            if clock.ended is None and clock.paused is None:
                clock.counted.append(minute)
