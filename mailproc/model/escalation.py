"""Which targets a ticket has, and what is done when one is in danger or missed: a desk's rules, as values.

Rules and steps are ordered.  Of the rules the first that fits decides; every step is taken once for a clock,
at a moment of business time that follows from the target.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from mailproc.model.calendar import Calendar
from mailproc.model.target import Clock, Kind, Target

HIGH, LOW = "priority-high", "priority-low"  # tags
PRIORITY_TAGS = {"high": HIGH, "low": LOW, "normal": ""}
IMPORTANCE = {"high": "1 (Highest)", "normal": "3 (Normal)", "low": "5 (Lowest)"}  # as X-Priority says it


class At(StrEnum):
    """What a step counts from."""

    WARN = "warn"
    DUE = "due"


class Addressee(StrEnum):
    OWNER = "owner"  # who holds the ticket; nobody where nobody does
    TEAM = "team"  # every agent of the desk
    LEAD = "lead"  # as the desk names one


@dataclass(frozen=True, slots=True)
class Rule:
    """A target and the tickets that it is for; what is empty asks for nothing."""

    target: Target
    tags: frozenset[str] = frozenset()  # one of them
    priority: str = ""
    notes: tuple[tuple[str, str], ...] = ()  # names and values, all of them

    def fits(self, tags: Collection[str], notes: Mapping[str, object]) -> bool:
        return (
            (not self.tags or not self.tags.isdisjoint(tags))
            and self.priority in ("", priority_of(tags))
            and all(str(notes.get(name, "")) == value for name, value in self.notes)
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What is done ``after`` so many business seconds beyond ``at``, to tickets whose clock is of ``kinds``.

    ``key`` tells a step from the others of its desk, whatever it does.
    """

    key: str
    kinds: frozenset[Kind] = frozenset(Kind)
    at: At = At.DUE
    after: float = 0.0
    tags: tuple[str, ...] = ()
    priority: str = ""
    mail: tuple[Addressee, ...] = ()
    template: str = ""
    lay: bool = False
    release: bool = False
    desk: str = ""

    def moment(self, clock: Clock, target: Target, calendar: Calendar) -> float | None:
        """When it is to be taken; None where that cannot be told, or it is not for this clock."""
        seconds = target.seconds(clock.kind)
        if not seconds or clock.kind not in self.kinds:
            return None
        share = target.warn if self.at is At.WARN else 1.0
        return clock.reaches(calendar, seconds * share + self.after)


@dataclass(frozen=True, slots=True)
class Escalation:
    """All of a desk's; without rules there are no clocks."""

    rules: tuple[Rule, ...] = ()
    steps: tuple[Step, ...] = ()
    lead: str = ""

    def target(self, tags: Collection[str], notes: Mapping[str, object]) -> Target | None:
        """The target of a ticket with these tags, of whose mails this was noted."""
        return next((rule.target for rule in self.rules if rule.fits(tags, notes)), None)

    @property
    def asks_tags(self) -> bool:
        return any(rule.tags or rule.priority for rule in self.rules)

    @property
    def asks_notes(self) -> bool:
        return any(rule.notes for rule in self.rules)


NO_TARGETS = Escalation()


def priority_of(tags: Collection[str]) -> str:
    """As the stage ``route`` writes it: a tag for high and for low."""
    if HIGH in tags:
        return "high"
    return "low" if LOW in tags else "normal"


def key_steps(steps: Iterable[Step]) -> Iterator[Step]:
    """Steps with keys that stay what they are while nobody moves them to another moment."""
    seen: dict[str, int] = {}
    for step in steps:
        moment = f"{step.at}+{step.after:g}"
        seen[moment] = number = seen.get(moment, 0) + 1
        key = moment if number == 1 else f"{moment}#{number}"
        yield replace(step, key=key)


def shown_span(seconds: float) -> str:
    """``4h``, ``4h 30m``, ``90s`` …: business time as people are told it."""
    if seconds < 60:
        return f"{seconds:.0f}s"
    hours, minutes = divmod(int(seconds // 60), 60)
    return " ".join(filter(None, (f"{hours}h" if hours else "", f"{minutes}m" if minutes else "")))
