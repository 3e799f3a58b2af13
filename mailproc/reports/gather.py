"""Make a report from the store, in one transaction.

Of tickets that rest most is known already (``reports.keep``); the others are walked through.  What is known
is used only where it is still true, and all of it is before the end of the period, so that the figures are
the same without it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

from mailproc.desk.target import target_of
from mailproc.model.calendar import Calendar
from mailproc.model.desk import Desk
from mailproc.model.figures import Period, Report
from mailproc.model.happening import TOLD
from mailproc.model.target import Target
from mailproc.reports.ruler import Ruler
from mailproc.reports.stamp import Stamps
from mailproc.reports.summary import HAPPENED, Summary, read, since, summarize
from mailproc.reports.tables import Tables, is_long
from mailproc.reports.tally import Tally
from mailproc.store.figures import Head
from mailproc.store.protocol import Transaction

FAR = 50_000  # events: further behind than this, what is kept is not looked at
PART = 250  # tickets that are told at once: what is told of them stays in the processor's caches
COUNTED = frozenset({*TOLD, *HAPPENED})  # events that count though they may change no state

_HEAD = len(Head._fields)

TargetsOf = Callable[[Sequence[Head]], Sequence[Target | None]]


def report_on(tx: Transaction, desks: Sequence[Desk], period: Period, now: float) -> Report:
    """The figures of these desks, against their targets."""
    calendars = {desk.name: desk.calendar for desk in desks}
    has_targets = any(desk.escalation.rules for desk in desks)
    return make_report(
        tx, calendars, period, now, _Targets(tx, desks).of if has_targets else _without_targets
    )


def _without_targets(heads: Sequence[Head]) -> Sequence[Target | None]:
    return [None] * len(heads)


def make_report(
    tx: Transaction,
    calendars: Mapping[str, Calendar],
    period: Period,
    now: float,
    targets_of: TargetsOf = _without_targets,
) -> Report:
    """The figures of the desks that ``calendars`` names, as far as the period is over."""
    until = Period(period.start, max(period.start, min(period.end, now)), period.zone)
    tally = Tally(until, calendars)
    for heads, told in _Told(tx, calendars, until).parts():
        tally.add(heads, told, targets_of(heads))
    tables = Tables(tally, by_month=is_long(until))
    return Report(tuple(calendars), until, now, tables.make(), tables.behind)


class _Targets:
    """The targets of tickets as they are now; what nobody's rules ask for is not read."""

    def __init__(self, tx: Transaction, desks: Sequence[Desk]) -> None:
        self._tx = tx
        self._desks = {desk.name: desk for desk in desks}
        self._known: dict[tuple[str, Sequence[str]], Target | None] = {}

    def of(self, heads: Sequence[Head]) -> list[Target | None]:
        asking = [head.id for head in heads if self._desks[head.desk].escalation.asks_tags]
        tags = self._tx.figures.tags(asking)
        return [self._target(head, tags.get(head.id, ())) for head in heads]

    def _target(self, head: Head, tags: Sequence[str]) -> Target | None:
        desk, key = self._desks[head.desk], (head.desk, tags)
        if desk.escalation.asks_notes:
            return target_of(self._tx, desk, head.id, tags)
        if key not in self._known:
            self._known[key] = target_of(self._tx, desk, head.id, tags)
        return self._known[key]


class _Told:
    """What is to be counted of a period, ticket by ticket."""

    def __init__(self, tx: Transaction, calendars: Mapping[str, Calendar], period: Period) -> None:
        self._tx = tx
        self._calendars = calendars
        self._period = period
        self._parts = tx.figures.parts()

    def parts(self) -> Iterator[tuple[Sequence[Head], Sequence[Summary]]]:
        """Some tickets after the other, and what is told of each."""
        desks, start, end = self._calendars.keys(), self._period.start, self._period.end
        mark = self._tx.summaries.mark()
        changed = None if mark is None else self._tx.summaries.changed(mark, FAR)
        if changed is None:
            unknown = self._tx.figures.tickets_of(desks, start, end, self._parts)
        else:
            at_work = changed | {self._parts[part] for part in changed if part in self._parts}
            at_work.update(self._tx.summaries.at_work(desks))
            unknown = yield from self._known(at_work)
        yield from self._walked(unknown)

    def _known(
        self, unknown: set[int]
    ) -> Generator[tuple[Sequence[Head], Sequence[Summary]], None, list[int]]:
        """What was found out before; the rest is added to ``unknown``, which is returned in order."""
        desks, start, end = self._calendars.keys(), self._period.start, self._period.end
        stamps, within, beyond = Stamps(self._calendars), *self._tx.summaries.tickets(desks, start, end)
        unknown.update(beyond)
        known = [ticket for ticket in within if ticket not in unknown]
        for at in range(0, len(known), PART):
            rows = []
            for row in self._tx.summaries.told(known[at : at + PART]):
                if row[1] in desks:
                    if stamps.is_current(row[1], row[-3]):
                        rows.append(row)
                    else:
                        unknown.add(row[0])
            told = [
                each if start <= row[-2] else since(each, start)
                for row, each in zip(rows, read(row[-1] for row in rows), strict=True)
            ]
            yield [Head(*row[:_HEAD]) for row in rows], told
        return sorted(unknown)

    def _walked(self, tickets: Sequence[int]) -> Iterator[tuple[Sequence[Head], Sequence[Summary]]]:
        start, end = self._period.start, self._period.end
        rulers = {calendar: Ruler(calendar, start, end) for calendar in set(self._calendars.values())}
        for at in range(0, len(tickets), PART):
            cases = list(
                self._tx.figures.cases(tickets[at : at + PART], self._calendars.keys(), COUNTED, self._parts)
            )
            yield (
                [case.head for case in cases],
                [
                    since(summarize(case, rulers[self._calendars[case.head.desk]], end), start)
                    for case in cases
                ],
            )
