"""One look at one ticket: what was seen in the folder meets the database, in one transaction.

Agents' moves become the verbs that they stand for, losers are told, and what the folder must become is
decided and written down *before* it is done: a copy that is about to be put somewhere is recorded as aimed
there, so that a crash in between neither doubles it nor lets our own write look like an agent's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from mailproc.desk.gesture import Gesture, lose, perform, perform_on_answer, perform_transfer
from mailproc.desk.site import Site
from mailproc.imap.reconcile import (
    PATIENT,
    Copy,
    Drop,
    FirstSeen,
    Judgement,
    Moved,
    Patience,
    Plan,
    Put,
    Shift,
    Sight,
    judge,
    repair,
)
from mailproc.model.desk import Desk
from mailproc.model.folder import DISMISSED, NOWHERE, Place, agent_of
from mailproc.store.folders import CopyRecord, Shown, ShownCopy, row_of
from mailproc.store.protocol import Transaction

MAILPROC = "mailproc"
LOOK_AGAIN = 0.5  # seconds until a copy that was laid on top should be seen

Seen = Mapping[str, tuple[Sight, ...]]
Records = Mapping[str, CopyRecord]
NOTHING: Records = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class View:
    """What is known of the folder at one moment, by the names of the copies.

    ``first_seen`` tells since when a copy lies where it is not expected.  ``inherited`` are the aims of the
    watcher before this one: it may be frozen on the way, and its write come at any moment.  With ``is_mass``
    the mails of many tickets are missing: no small mails tell.
    """

    seen: Seen
    records: Records
    now: float
    first_seen: FirstSeen = field(default_factory=dict)
    inherited: Mapping[str, Place] = field(default_factory=dict)
    is_mass: bool = False
    patience: Patience = PATIENT


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done for one ticket, and which of its copies are not to be touched yet.

    ``asked`` is the row that was asked for; ``ticket`` is the one that it is about, by its merges.  ``names``
    are all its copies.  ``records`` are written already; ``forgotten`` copies are another desk's by now;
    ``moved`` ones were moved by agents and may stay.
    """

    asked: int
    ticket: int
    plan: Plan
    names: tuple[str, ...] = ()
    undecided: frozenset[tuple[str, Sight]] = frozenset()
    look_again: float | None = None
    records: tuple[CopyRecord, ...] = ()
    forgotten: tuple[str, ...] = ()
    moved: tuple[tuple[str, Place], ...] = ()
    is_failed: bool = False


@dataclass(frozen=True, slots=True)
class Rounds:
    """Decides for the tickets of one desk."""

    site: Site
    desk: Desk

    def decide(self, tx: Transaction, ticket: int, view: View) -> Decision:
        """Let agents' moves of a ticket's mails take effect, and say what makes the folder right."""
        asked = ticket
        shown = tx.folders.shown(self.desk.name, ticket) or self._take_over(tx, ticket, view)
        if shown is None:
            return self._let_go(tx, ticket, view)
        ticket = shown.ticket
        copies = _copies(shown, view)
        older = _older(shown, view)
        judgement = judge(ticket, [*copies, *older], view.first_seen, view.now, view.patience)
        noted = self._apply(tx, ticket, copies, judgement, view.now)
        if judgement.gesture or judgement.lost:
            shown = tx.folders.shown(self.desk.name, ticket)
            assert shown is not None  # no gesture takes a ticket out of the desk whose folder shows it
            copies = _copies(shown, view, noted)
        plan = repair(copies, judgement.undecided, view.now, view.patience)
        _replace(plan, shown, view)
        if any(isinstance(each, Put) and each.was_missing for each in plan.repairs):
            self._tell_of_restoring(tx, ticket, view)
        records = _aims(plan, noted, copies)
        tx.folders.record(self.desk.name, records)
        look_again = min(filter(None, (plan.look_again, judgement.look_again)), default=None)
        names = tuple(copy.name for copy in (*copies, *older))
        moved = tuple((copy.name, copy.wanted) for copy in copies if copy.name in noted)
        return Decision(asked, ticket, plan, names, judgement.undecided, look_again, records, moved=moved)

    def _apply(
        self, tx: Transaction, ticket: int, copies: Sequence[Copy], judgement: Judgement, now: float
    ) -> dict[str, CopyRecord]:
        """Do what was moved; return where the moved copies are now known to be."""
        noted: dict[str, CopyRecord] = {}
        if judgement.gesture is not None:
            self._perform(tx, ticket, judgement.gesture, now)
            noted = _moved_along(judgement.gesture, copies)
        for moved in judgement.lost:
            lose(tx, self.site, tx.tickets.get(ticket), _gesture(self.desk, moved), now)
        return noted

    def _perform(self, tx: Transaction, ticket: int, moved: Moved, now: float) -> None:
        found, gesture = tx.tickets.get(ticket), _gesture(self.desk, moved)
        if moved.is_held and (row := row_of(moved.name)):
            perform_on_answer(tx, self.site, found, row[1], gesture, now)
        else:
            perform(tx, self.site, self.desk, found, gesture, now)

    def _take_over(self, tx: Transaction, ticket: int, view: View) -> Shown | None:
        """Another desk's ticket: hand it over where an agent dragged a mail of it here; else None."""
        names = [name for name in tx.folders.names_of(ticket) if name in view.seen]
        if not names or any(name in view.records or name in view.inherited for name in names):
            return None  # it was this desk's until a moment ago
        found = tx.tickets.get(ticket)
        found = tx.tickets.get(tx.folders.root(found.desk, ticket))
        dragged = [
            Moved(name, NOWHERE, sight.place, sight.uid) for name in names for sight in view.seen[name]
        ]
        moved = min(dragged, key=lambda each: (not agent_of(each.target), each.target, each.uid))
        perform_transfer(tx, self.site, self.desk, found, _gesture(self.desk, moved), view.now)
        return tx.folders.shown(self.desk.name, found.id)

    def _let_go(self, tx: Transaction, ticket: int, view: View) -> Decision:
        """Another desk's ticket: nothing of it stays here.

        What lies here still is remembered, as aimed there, until it is gone: who comes after a crash would
        take it for mail that an agent dragged here.
        """
        names = [name for name in tx.folders.names_of(ticket) if name in view.seen or name in view.records]
        drops = [Drop(name, sight) for name in names for sight in view.seen.get(name, ())]
        forgotten = tuple(name for name in names if name not in view.seen)
        records = tuple({drop.name: CopyRecord(drop.name, aim=drop.sight.place) for drop in drops}.values())
        tx.folders.forget(self.desk.name, forgotten)
        tx.folders.record(self.desk.name, records)
        plan = Plan(repairs=list(drops))
        return Decision(ticket, ticket, plan, tuple(names), records=records, forgotten=forgotten)

    def _tell_of_restoring(self, tx: Transaction, ticket: int, view: View) -> None:
        what = "restored_quietly" if view.is_mass else "restored"
        detail = "its mail was deleted from the folder and is back; to end a ticket move it to Closed"
        tx.history.add_event(tx.tickets.get(ticket), what, MAILPROC, detail, view.now)


def _copies(shown: Shown, view: View, noted: Records = NOTHING) -> list[Copy]:
    """The ticket's copies; what is ``noted`` is newer than the records."""
    return [_copy(each, each.name, view, noted) for each in shown.copies]


def _older(shown: Shown, view: View) -> list[Copy]:
    """The copies that lie in the folder still though others were laid for them: an agent may move one."""
    return [
        _older_copy(each, name, view) for each in shown.copies for name in each.older if name in view.seen
    ]


def _older_copy(laid: ShownCopy, name: str, view: View) -> Copy:
    """One that an agent moves while it is being taken away was moved from where the new one lies."""
    copy = _copy(laid, name, view, NOTHING)
    if copy.record.place != DISMISSED:
        return copy
    beside = _copy(laid, laid.name, view, NOTHING).source
    return replace(copy, record=CopyRecord(name, beside))


def _copy(wanted: ShownCopy, name: str, view: View, noted: Records) -> Copy:
    record = noted.get(name) or view.records.get(name) or CopyRecord(name)
    late = view.inherited.get(name, NOWHERE)
    return Copy(wanted.place, record, view.seen.get(name, ()), wanted.is_held, late)


def _replace(plan: Plan, shown: Shown, view: View) -> None:
    """Take older copies away as soon as the one that was laid for them is seen, not before."""
    for each in shown.copies:
        for name in each.older:
            record, seen = view.records.get(name) or CopyRecord(name), view.seen.get(name, ())
            if not seen or each.name in view.seen:
                plan.repairs += [Drop(name, sight) for sight in seen]
                settled = CopyRecord(name, DISMISSED)
            else:
                settled = CopyRecord(name, record.place, DISMISSED)
                plan.wait_until(view.now + LOOK_AGAIN)
            if settled != record:
                plan.records.append(settled)


def _gesture(desk: Desk, moved: Moved) -> Gesture:
    return Gesture(moved.source, moved.target, f"{desk.name}:{moved.name}:{moved.target}:{moved.uid}")


def _moved_along(gesture: Moved, copies: Sequence[Copy]) -> dict[str, CopyRecord]:
    """Every copy of the ticket that lies where one was moved to has been seen there."""
    return {
        copy.name: CopyRecord(copy.name, gesture.target)
        for copy in copies
        if any(sight.place == gesture.target for sight in copy.seen)
    }


def _aims(plan: Plan, noted: Records, copies: Sequence[Copy]) -> tuple[CopyRecord, ...]:
    """What to write down before the plan is carried out.

    One too many whose twin lies where it belongs counts as put by us: else, where it stays for a while as the
    server hangs or we end, the next look would take it for an agent's move back.
    """
    settled = {**noted, **{record.name: record for record in plan.records}}
    wanted = {copy.name: copy.wanted for copy in copies if any(s.place == copy.wanted for s in copy.seen)}
    for each in plan.repairs:
        match each:
            case Put(name=name, target=target):
                settled[name] = CopyRecord(name, NOWHERE, target)
            case Shift(name=name, sight=sight, target=target):
                settled[name] = CopyRecord(name, sight.place, target)
            case Drop(name=name, sight=sight) if name in wanted and sight.place != wanted[name]:
                settled[name] = CopyRecord(name, wanted[name], sight.place)
    return tuple(settled.values())
