"""The simulated desk's own books: what happened to each ticket, minute by minute, and what follows from it.

Written from docs/reference/targets.md and docs/reference/waiting.md alone; nothing of mailproc is called.
Everything happens at a minute.  What turns a ticket's history over (a merge, a split, another desk, an answer
taken back) is told to its clocks from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.desk_clocks import DAY, MINUTE, WORK, Clock, Course, Goal, Rules, Step

FAR = 60 * DAY  # so far the due time of a clock that runs is looked for
PHASES = {"new": WORK, "claimed": WORK, "spam": "off", "problem": "off"}  # others are called as they are
OUT_OF_SIGHT = ("off", "closed")

Entry = tuple[int, str, str]  # when, what, and who answered or which phase
_ORDER = ("wrote", "answer", "phase")  # of what is of one minute


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
    course: Course = field(init=False)
    log: list[Entry] = field(default_factory=list)
    parts: list[Case] = field(default_factory=list)  # what was merged into it
    whole: Case | None = None  # what it was merged into
    letters: list[tuple[int, str]] = field(default_factory=list)  # what came in: when, class
    answers: list[tuple[int, str]] = field(default_factory=list)
    events: list[tuple[int, str]] = field(default_factory=list)
    fired: set[tuple[str, int, str]] = field(default_factory=set)
    wakes: int | None = None
    silent_since: int | None = None
    warned: int | None = None
    active: int = 0  # when its state was set last, if only to what it was
    closed_by_merge: int | None = None
    topic: str = ""

    def __post_init__(self) -> None:
        self.course = Course(self.opened, self.phase)
        self.log.append((self.opened, "phase", self.phase))
        self.active = self.opened

    @property
    def phase(self) -> str:
        return "off" if self.whole else PHASES.get(self.state, self.state)

    @property
    def last_mail(self) -> int:
        """When a person wrote last, also to what was merged into it."""
        own = [at for at, kind in self.letters if kind == "none"]
        return max([*own, *(part.last_mail for part in self.parts)], default=0)

    @property
    def solution(self) -> Clock:
        return self.course.solution

    @property
    def waits(self) -> list[Clock]:
        return self.course.waits

    @property
    def back(self) -> list[int]:
        return self.course.back

    @property
    def goal(self) -> Goal | None:
        """None of a part: what counts of it counts for the whole."""
        if self.whole is not None:
            return None
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
        self.state = state
        self.owner = self.owner if owner is None else owner
        self.note(at, what)
        self.wakes = None
        self.silent_since = at if state == "answered" else None
        self.warned = None
        self.active = at
        self._take(at, "phase", self.phase)

    def work_on(self, at: int, what: str, owner: str | None = None) -> None:
        """With its owner, or New where there is none."""
        who = self.owner if owner is None else owner
        self.enter(at, "claimed" if who else "new", what, who)

    def wrote(self, at: int) -> None:
        """A customer's mail."""
        self.active = at
        self._take(at, "wrote", "")

    def answered(self, at: int, agent: str) -> None:
        self._gets_answer(at, agent)
        self.enter(at, "answered", "answered", self.owner or agent)

    def answered_late(self, at: int, agent: str) -> None:
        """An answer to a mail that is not the customer's newest: what became of the ticket stays."""
        self._gets_answer(at, agent)
        self.note(at, "answered")

    def _gets_answer(self, at: int, agent: str) -> None:
        self.answers.append((at, agent))
        self._take(at, "answer", agent)

    def _take(self, at: int, what: str, about: str) -> None:
        self.log.append((at, what, about))
        self.course.take(at, what, about)

    # What turns a history over

    def rewrite(self, now: int) -> None:
        """Tell the clocks' history from the beginning, as it is to be seen now."""
        of_parts = (each for part in self._all_parts() for each in part.log if each[1] != "phase")
        log = sorted((*self.log, *of_parts), key=lambda each: (each[0], _ORDER.index(each[1])))
        log = [(max(at, self.opened), what, about) for at, what, about in log]
        first = next(about for _, what, about in log if what == "phase")
        self.course = Course(self.opened, first)
        for minute in range(self.opened, now + MINUTE, MINUTE):
            while log and log[0][0] <= minute:
                self.course.take(*log.pop(0))
            if minute < now and self.course.phase == WORK and self.rules.hours.is_open(minute):
                self.course.count(minute)

    def _all_parts(self) -> Iterator[Case]:
        for part in self.parts:
            yield part
            yield from part._all_parts()

    def merge(self, at: int, part: Case) -> None:
        """The other becomes part of this one: its mails and answers count here, too."""
        if part.state != "closed":
            part.enter(at, "closed", "closed")
            part.closed_by_merge = at
        part.whole = self
        part.note(at, "merged")
        part._take(at, "phase", "off")
        self.parts.append(part)
        self.note(at, "merged")
        self.rewrite(at)

    def split(self, at: int, number: str, subject: str) -> Case:
        """The newest mail becomes a ticket of its own."""
        letter = self.letters.pop()
        self.log.remove((letter[0], "wrote", ""))
        self.note(at, "split")
        self.rewrite(at)
        new = Case(number, self.rules, subject, self.customer, at, topic=self.topic)
        new.letters.append(letter)
        new.log.append((letter[0], "wrote", ""))  # as it counts where this becomes part of an older ticket
        new.course.take(at, "wrote", "")
        new.note(at, "opened")
        return new

    def move(self, at: int, rules: Rules) -> None:
        """Another desk, whose name is its topic now: its business time counts from the beginning."""
        self.topic = rules.name
        for case in (self, *self._all_parts()):
            case.rules = rules
            if case is not self:
                case.rewrite(at)
        self.enter(at, "new", "transferred", "")
        self.rewrite(at)

    def take_back(self, at: int) -> None:
        """The last answer never left."""
        answer = self.answers.pop()
        self.log.remove((answer[0], "answer", answer[1]))
        self.note(at, "taken_back")
        self.enter(at, "claimed", "reopened")
        self.rewrite(at)

    def steps_due(self) -> Iterator[tuple[int, Clock, str, Step]]:
        """What is to be done, with its moment, of the clocks that count."""
        goal = self.goal
        if goal is None or self.phase != WORK:
            return
        for clock in self.clocks:
            if clock.ended is not None:
                continue
            for key, step in zip(self.rules.step_keys(), self.rules.steps, strict=True):
                needed = step.needs(goal, clock.kind)
                moment = clock.reached(needed) if needed else None
                if moment is not None and (clock.kind, clock.started, key) not in self.fired:
                    yield moment, clock, key, step

    def escalate(self, at: int, tell: Callable[[Case, str], None]) -> None:
        """Take the steps that are due, in their order; each may change what the next ones count from."""
        while due := min(self.steps_due(), key=lambda each: each[0], default=None):
            _, clock, taken, step = due
            self.fired.add((clock.kind, clock.started, taken))
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
