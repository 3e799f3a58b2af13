"""Counts what was told of many tickets, and keeps for each figure those that are behind it.

A mail counts when it was accepted, an answer when it left us, a wait when it ended, everything else when it
was written down.  Waits are in business time of the ticket's desk.

A report counts hundreds of thousands of things.  So tickets are added some hundred at a time, what is counted
stays in columns, and the loops over them are those of ``map`` and ``chain``.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress, repeat
from operator import itemgetter, sub
from typing import Any, TypeVar

from mailproc.model.calendar import Calendar
from mailproc.model.figures import Period
from mailproc.model.target import Kind, Target
from mailproc.reports.spread import Numbers, Spread
from mailproc.reports.summary import OF_AGENTS, SPAM, Ended, Summary, as_spam
from mailproc.reports.walk import MERGED
from mailproc.reports.wall import WallClock
from mailproc.store.figures import Head

DAY = 86400.0
AGES = (1, 3, 7, 14, 28)  # days: the backlog's ages end below these
NO_TOPIC, NO_LANGUAGE, NO_DOMAIN = "none", "unknown", "none"
COLUMNS = ("mails", "opened", "answers", "closed")
BACKLOG = "backlog"
GROUPS = ("desk", "topic", "language", "domain")
T = TypeVar("T")

_MISTAKE = 1e-6  # seconds
_OUT_OF_SIGHT = frozenset({"closed", SPAM, MERGED})


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, as often as it did: places of tickets, and for ``COLUMNS`` the moments."""

    places: list[int] = field(default_factory=list)
    moments: array[float] = field(default_factory=lambda: array("d"))


@dataclass(frozen=True, slots=True)
class Waits:
    """Waits that ended with an answer or a solution: business seconds, places of tickets, and by whom."""

    used: list[float] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)

    def extend(self, waits: Waits) -> None:
        self.used.extend(waits.used)
        self.places.extend(waits.places)
        self.agents.extend(waits.agents)


@dataclass(frozen=True, slots=True)
class Left:
    """A ticket of the backlog."""

    place: int
    state: str
    opened: float


class Named:
    """Things that are called something, each with the place of its ticket."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._places: list[int] = []

    def add(self, names: Iterable[str], places: Iterable[int]) -> None:
        """What has no name is not counted."""
        self._names += names
        self._places += places

    def counts(self) -> Counter[str]:
        counts = Counter(self._names)
        del counts[""]
        return counts

    def places(self) -> dict[str, list[int]]:
        """By name."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for name, place in zip(self._names, self._places, strict=True):
            if name:
                found[name].append(place)
        return dict(found)


class Tally:
    """What happened, to which tickets: these by their place, which is their number in ``tickets``."""

    def __init__(self, period: Period, calendars: Mapping[str, Calendar]) -> None:
        """``calendars`` are those of the desks, which every ticket must be of."""
        self.period = period
        self.tickets: list[int] = []  # rows
        self.facts = {column: Fact() for column in (*COLUMNS, "follow_ups", "reopened")}
        self.waits = {kind: Waits() for kind in Kind}
        self.judged: dict[tuple[Kind, bool], list[int]] = {
            (kind, in_time): [] for kind in Kind for in_time in (True, False)
        }  # places
        self.backlog: list[Left] = []
        self.over: list[int] = []  # places of the backlog
        self.by_agent = {column: Named() for column in ("answers", "closed", *OF_AGENTS.values())}
        self.happened = Named()  # TABLE/LINE
        self._clock = WallClock(calendars)
        self._desks: list[str] = []
        self._sorts = Numbers[tuple[str, str, str]]()
        self._domains = Numbers[str]()
        self._by_sort, self._by_domain = Spread(self._sorts.of), Spread(self._domains.of)

    def add(self, heads: Sequence[Head], told: Sequence[Summary], targets: Sequence[Target | None]) -> None:
        """Count tickets: what was told of each in the period, and their targets now."""
        first = len(self.tickets)
        self.tickets += [head.id for head in heads]
        self._desks += [head.desk for head in heads]
        self._sorts.add([(head.desk, head.topic or NO_TOPIC, head.language or NO_LANGUAGE) for head in heads])
        self._domains.add([head.customer.rpartition("@")[2] or NO_DOMAIN for head in heads])
        part = _Part(
            range(first, first + len(heads)),
            heads,
            [as_spam(each) if head.state == SPAM else each for head, each in zip(heads, told, strict=True)],
            targets,
        )
        self._add_opened(part)
        self._add_mails(part)
        self._add_work(part)
        self._add_happened(part)
        self._add_times(part)
        self._add_backlog(part)

    # What happened

    def _add_opened(self, part: _Part) -> None:
        start, end = self.period.start, self.period.end
        new = [
            (place, head, each.was_spam)
            for place, head, each in zip(part.places, part.heads, part.told, strict=True)
            if start <= head.opened < end
        ]
        caught = [place for place, _, was_spam in new if was_spam]
        self.happened.add(repeat("spam/caught", len(caught)), caught)
        opened = [(place, head.opened) for place, head, _ in new if head.state != SPAM and not head.is_merged]
        self._add("opened", [place for place, _ in opened], [at for _, at in opened])

    def _add_mails(self, part: _Part) -> None:
        """Mails of customers, and the others by their class."""
        mails = [each.mails for each in part.told]
        places = part.repeated(map(len, mails))
        self._add("mails", places, list(chain.from_iterable(mails)))
        further = map(sub, map(len, mails), [each.is_led for each in part.told])
        self.facts["follow_ups"].places.extend(part.repeated(further))
        others = [each.others for each in part.told]
        classes = [f"class/{name}" for _, name in chain.from_iterable(others)]
        self.happened.add(classes, part.repeated(map(len, others)))

    def _add_work(self, part: _Part) -> None:
        answers = [each.answers for each in part.told]
        places = part.repeated(map(len, answers))
        moments, agents = _columns(answers, 2)
        self._add("answers", places, moments)
        self.by_agent["answers"].add(agents, places)
        closed = [each.closed for each in part.told]
        places = part.repeated(map(len, closed))
        self._add("closed", places, list(chain.from_iterable(closed)))
        owners = [head.owner for head in part.heads]
        self.by_agent["closed"].add(_repeated(owners, map(len, closed)), places)
        self.facts["reopened"].places.extend(part.repeated(len(each.back) for each in part.told))

    def _add_happened(self, part: _Part) -> None:
        happened = [each.happened for each in part.told]
        places = part.repeated(map(len, happened))
        _, lines, agents = _columns(happened, 3)
        self.happened.add(lines, places)
        for agent, line, place in compress(zip(agents, lines, places, strict=True), agents):
            self.by_agent[OF_AGENTS[line]].add([agent], [place])

    def _add(self, column: str, places: Sequence[int], moments: Sequence[float]) -> None:
        self.facts[column].places.extend(places)
        self.facts[column].moments.extend(moments)
        self._clock.count(column, places, moments, self._desks)
        self._count(column, places)

    def _count(self, column: str, places: Sequence[int]) -> None:
        self._by_sort.count(column, places)
        self._by_domain.count(column, places)

    # Times

    def _add_times(self, part: _Part) -> None:
        owners = [head.owner for head in part.heads]
        nobody = [""] * len(owners)
        self._add_waits(part, Kind.FIRST, [each.first for each in part.told], nobody)
        self._add_waits(part, Kind.NEXT, [each.next for each in part.told], nobody)
        self._add_waits(part, Kind.SOLUTION, [each.solution for each in part.told], owners)

    def _add_waits(
        self, part: _Part, kind: Kind, ended: Sequence[Sequence[Ended]], owners: Sequence[str]
    ) -> None:
        """``owners`` are those of the tickets, where it is theirs."""
        waits, met, missed = Waits(), list[int](), list[int]()
        took, of, by = waits.used.append, waits.places.append, waits.agents.append
        for place, each, owner, limit in zip(part.places, ended, owners, part.allowed(kind), strict=True):
            for _, used, is_met, agent in each:
                if is_met:
                    took(used)
                    of(place)
                    by(agent or owner)
                if used > limit:
                    missed.append(place)
                elif is_met and limit < math.inf:  # closing in time without an answer is neither
                    met.append(place)
        self.waits[kind].extend(waits)
        self.judged[kind, True] += met
        self.judged[kind, False] += missed
        for spread in (self._by_sort, self._by_domain):
            spread.take(kind, waits.used, waits.places)
            spread.judge(kind, True, met)
            spread.judge(kind, False, missed)

    def _add_backlog(self, part: _Part) -> None:
        end, first = self.period.end, part.places.start
        left = [
            Left(place, each.state, head.opened)
            for place, head, each in zip(part.places, part.heads, part.told, strict=True)
            if each.state not in _OUT_OF_SIGHT and head.opened < end
        ]
        self.backlog += left
        self._count(BACKLOG, [each.place for each in left])
        for each in left:
            target, running = part.targets[each.place - first], part.told[each.place - first].running
            if any(used > _allowed(target, kind) for kind, used in running):
                self.over.append(each.place)

    # Groups of tickets

    def lines(self, group: str) -> list[str]:
        """The line of each ticket in the table of a group."""
        _, numbers, names = self.spread(group)
        return [names[number] for number in numbers]

    def spread(self, group: str) -> tuple[Spread, Sequence[int], Sequence[str]]:
        """What was counted by number, the numbers of the tickets, and the lines of the numbers."""
        if group == "domain":
            return self._by_domain, self._domains.of, list(self._domains)
        part = GROUPS.index(group)
        return self._by_sort, self._sorts.of, [lines[part] for lines in self._sorts]

    def age(self, left: Left) -> str:
        """The line of the backlog that a ticket is in."""
        days = (self.period.end - left.opened) / DAY
        return next((f"below_{most}d" for most in AGES if days < most), "older")

    def by_wall(self, column: str, wall: str) -> Counter[str]:
        """How often something happened on each day, month, weekday or hour of its desk's clock."""
        return self._clock.by_wall(column, wall)

    def line_of(self, wall: str, place: int, at: float) -> str:
        """The day, month, weekday or hour of one moment."""
        return self._clock.line(wall, self._desks[place], at)


@dataclass(frozen=True, slots=True)
class _Part:
    """Some tickets: their places, what is told of them, and what their targets allow."""

    places: range
    heads: Sequence[Head]
    told: Sequence[Summary]
    targets: Sequence[Target | None]

    def repeated(self, counts: Iterable[int]) -> list[int]:
        """Each place as often as something was counted there."""
        return _repeated(self.places, counts)

    def allowed(self, kind: Kind) -> list[float]:
        """How long each ticket's target lets its customer wait; infinite where it asks for nothing."""
        few = {id(target): target for target in self.targets}
        seconds = {which: _allowed(target, kind) for which, target in few.items()}
        return [seconds[id(target)] for target in self.targets]


def _allowed(target: Target | None, kind: Kind) -> float:
    seconds = target.seconds(kind) if target is not None else 0.0
    return seconds + _MISTAKE if seconds else math.inf


def _repeated(things: Iterable[T], counts: Iterable[int]) -> list[T]:
    return list(chain.from_iterable(map(repeat, things, counts)))


def _columns(rows: Iterable[Iterable[tuple[Any, ...]]], width: int) -> Sequence[Sequence[Any]]:
    """Of all rows."""
    every = list(chain.from_iterable(rows))
    return [list(map(itemgetter(number), every)) for number in range(width)]
