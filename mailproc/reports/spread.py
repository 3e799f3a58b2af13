"""What was counted, spread over the lines of the tables of groups: desks, topics, languages, domains.

Tickets that are alike in desk, topic and language are one sort: there are some hundred sorts, and tens of
thousands of tickets, so each thing is spread over the sorts, and those over the lines of three tables.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from mailproc.model.target import Kind

T = TypeVar("T", bound=Hashable)

Times = dict[str, list[float]]


class Numbers(Generic[T]):
    """Numbers for things, by when they were first seen; ``of`` has that of each ticket, by its place."""

    def __init__(self) -> None:
        self.of: list[int] = []
        self._known: dict[T, int] = {}

    def __iter__(self) -> Iterator[T]:
        return iter(self._known)

    def add(self, things: Iterable[T]) -> None:
        """Those of further tickets."""
        known = self._known
        self.of += [known.setdefault(thing, len(known)) for thing in things]


class Spread:
    """Counts, times and judgements by the number of their tickets' sort, or line."""

    def __init__(self, of: Sequence[int]) -> None:
        """``of`` has the number of each place, and grows."""
        self._of = of
        self._counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._judged: defaultdict[tuple[Kind, bool], Counter[int]] = defaultdict(Counter)
        self._times: dict[Kind, defaultdict[int, list[float]]] = {kind: defaultdict(list) for kind in Kind}

    def count(self, column: str, places: Iterable[int]) -> None:
        self._counts[column].update(map(self._of.__getitem__, places))

    def judge(self, kind: Kind, in_time: bool, places: Iterable[int]) -> None:
        self._judged[kind, in_time].update(map(self._of.__getitem__, places))

    def take(self, kind: Kind, used: Iterable[float], places: Iterable[int]) -> None:
        """Business seconds of waits, with the places of their tickets."""
        of, times = self._of, self._times[kind]
        for seconds, place in zip(used, places, strict=True):
            times[of[place]].append(seconds)

    def counts(self, column: str, names: Sequence[str]) -> Counter[str]:
        """By line; ``names`` are the lines of the numbers."""
        return _by_line(self._counts[column], names)

    def judged(self, kind: Kind, in_time: bool, names: Sequence[str]) -> Counter[str]:
        """How many were in time, or not, by line."""
        return _by_line(self._judged[kind, in_time], names)

    def times(self, kind: Kind, names: Sequence[str]) -> Times:
        """By line, the shortest first."""
        found: defaultdict[str, list[float]] = defaultdict(list)
        for number, used in self._times[kind].items():
            found[names[number]] += used
        return {line: sorted(used) for line, used in found.items()}


def _by_line(counts: Counter[int], names: Sequence[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for number, count in counts.items():
        found[names[number]] += count
    return found
