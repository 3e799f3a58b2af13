"""How a ticket stands against its desk's targets: every clock, what is due first, what is to be done when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mailproc.desk.known import notes_of
from mailproc.model.desk import Desk
from mailproc.model.escalation import Step
from mailproc.model.happening import happenings
from mailproc.model.target import Clock, Target, Timing, clocks, timing
from mailproc.model.ticket import Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.targets import Due, Taken

NOTHING_DUE = Due()


@dataclass(frozen=True, slots=True)
class Planned:
    """A step of a desk for a clock, at its moment."""

    moment: float
    desk: str
    step: Step
    timing: Timing

    @property
    def key(self) -> Taken:
        clock = self.timing.clock
        return clock.kind.value, clock.started, f"{self.desk} {self.step.key}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticket's clocks at a moment; those without a target are no timings."""

    target: Target | None
    clocks: tuple[Clock, ...]
    timings: tuple[Timing, ...]
    known: float | None = None  # since when we have an imported ticket

    @property
    def due(self) -> Due:
        """Of the clock that is due first, among those that go on counting."""
        running = [each for each in self.timings if each.clock.is_running and each.due is not None]
        first = min(running, key=lambda each: each.due or 0.0, default=None)
        return Due(kind=first.clock.kind.value, at=first.due) if first else NOTHING_DUE

    def planned(self, desk: Desk, since: float) -> list[Planned]:
        """The steps of the clocks that go on counting, in the order of their moments.

        What lies before the desk had targets, or we had the ticket, is left out.
        """
        if self.target is None:
            return []
        since = max(since, self.known or since)
        found = [
            Planned(moment, desk.name, step, each)
            for each in self.timings
            if each.clock.is_running
            for step in desk.escalation.steps
            if (moment := step.moment(each.clock, self.target, desk.calendar)) is not None and moment >= since
        ]
        return sorted(found, key=lambda planned: planned.moment)


def standing(tx: Transaction, desk: Desk, ticket: Ticket, now: float) -> Standing | None:
    """How a ticket stands; None where its desk has no targets."""
    if not desk.escalation.rules:
        return None
    target = target_of(tx, desk, ticket.id, tx.history.tags(ticket.id))
    kept = tx.targets.history(ticket.id)
    found = clocks(ticket.opened, happenings(ticket.opened, kept.events, kept.letters))
    timings = [timing(clock, target, desk.calendar, now) for clock in found] if target else []
    return Standing(target, found, tuple(each for each in timings if each), kept.known)


def target_of(tx: Transaction, desk: Desk, row: int, tags: Collection[str]) -> Target | None:
    """The target that the desk has for its ticket with these tags."""
    notes = notes_of(tx.history.events(row)) if desk.escalation.asks_notes else {}
    return desk.escalation.target(tags, notes)


def dues(tx: Transaction, desks: Mapping[str, Desk], tickets: Sequence[Ticket], now: float) -> dict[int, Due]:
    """What is due of each ticket, by row; tickets of which nothing is due are left out.

    What was found when the time was looked at last is right for all tickets that did not change since.
    """
    wanted = [each for each in tickets if _may_be_due(desks, each)]
    if not wanted:
        return {}
    stored = tx.targets.dues([each.id for each in wanted])
    changed = set(tx.targets.changed(tx.targets.seen(), tx.targets.newest_event()))
    fresh = (each for each in wanted if each.id in changed or each.id not in stored)
    found = stored | dict(_fresh(tx, desks, fresh, now))
    open_ones = {each.id for each in wanted}
    return {row: due for row, due in found.items() if row in open_ones and due.at is not None}


def _may_be_due(desks: Mapping[str, Desk], ticket: Ticket) -> bool:
    desk = desks.get(ticket.desk)
    is_open = ticket.state in ("new", "claimed")
    return desk is not None and bool(desk.escalation.rules) and is_open and ticket.merged_into is None


def _fresh(
    tx: Transaction, desks: Mapping[str, Desk], tickets: Iterable[Ticket], now: float
) -> Iterator[tuple[int, Due]]:
    for ticket in tickets:
        found = standing(tx, desks[ticket.desk], ticket, now)
        yield ticket.id, found.due if found else NOTHING_DUE
