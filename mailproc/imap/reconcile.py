"""What agents did in the folder, and what is to be done to make it right: decisions only, no I/O.

The folder is a view and cannot arbitrate: two agents who move one mail at the same time may both succeed, and
leave two copies.  So nothing here trusts an order of events.  ``judge`` compares where the copies of one
ticket lie with where they were last put or seen, and says which move an agent made and whose came too late;
the database then decides what becomes of it.  ``repair`` compares where they lie with where they belong, and
says what to put, move and take away.  Both are level-triggered: an interrupted pass is made again, and ends
at the same folder: each copy once, where it belongs.

Rules.

1. A copy in another place than the recorded one is a move, judged from the recorded place to the one seen.
2. While the copy that its holder works on (``@alice``) is still there, another one elsewhere is either the
   first half of a move or the end of a lost race: it is decided after a quiet time.
3. Of several moves seen at once one wins, an agent's before all others; the rest have lost.
4. Where a write of the watcher before this one may still put a copy, it is no agent's move.
5. What is nowhere for a while is put back: clients that delete and then append, or synchronise, need time.
   The small mails that show events may be deleted.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mailproc.model.folder import DISMISSED, NOWHERE, Place, agent_of
from mailproc.store.folders import CopyRecord


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for agents, in seconds."""

    quiet: float = 2.0  # until a copy beside the holder's is decided
    missing: float = 30.0  # until a mail that is nowhere is put back


PATIENT = Patience()


@dataclass(frozen=True, slots=True, order=True)
class Sight:
    """One mail in the folder."""

    place: Place
    uid: int


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a ticket: where it belongs, where it was, and where it is seen."""

    wanted: Place
    record: CopyRecord
    seen: tuple[Sight, ...]
    is_held: bool = False  # an answer that does not lie with its ticket: moving it says nothing of the ticket
    late: Place = NOWHERE  # where another watcher's write may put it yet

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def source(self) -> Place:
        """From where a move of it is judged."""
        return self.record.place or self.record.aim or self.wanted

    def explains(self, sight: Sight) -> bool:
        """Lies it where it belongs, was seen before, or may have been put by us?"""
        return sight.place in (self.wanted, self.record.place, self.record.aim, self.late)


def is_settled(record: CopyRecord, sights: Sequence[Sight]) -> bool:
    """Is a copy just where it was when it was last looked at, once, with nothing left to find out?"""
    if record.place == DISMISSED:
        return not sights
    known = not record.aim and record.missing is None
    return known and len(sights) == 1 and sights[0].place == record.place


@dataclass(frozen=True, slots=True)
class Moved:
    """A copy was moved by somebody; ``uid`` is what it is now called in ``target``."""

    name: str
    source: Place
    target: Place
    uid: int
    is_held: bool = False


FirstSeen = Mapping[tuple[str, Sight], float]


@dataclass(frozen=True, slots=True)
class Judgement:
    """``gesture`` is the move that counts, ``lost`` are those that came too late.

    ``undecided`` are not to be touched before ``look_again``.
    """

    gesture: Moved | None = None
    lost: tuple[Moved, ...] = ()
    undecided: frozenset[tuple[str, Sight]] = frozenset()
    look_again: float | None = None


def judge(
    ticket: int, copies: Iterable[Copy], first_seen: FirstSeen, now: float, patience: Patience = PATIENT
) -> Judgement:
    """What agents did with one ticket; ``first_seen`` tells since when a copy is where it is not expected."""
    moves: list[Moved] = []
    lost: list[Moved] = []
    undecided: dict[tuple[str, Sight], float] = {}
    for copy in copies:
        holder = next((agent_of(s.place) for s in copy.seen if copy.explains(s) and agent_of(s.place)), "")
        for sight in copy.seen:
            if copy.explains(sight):
                continue
            moved = Moved(copy.name, copy.source, sight.place, sight.uid, copy.is_held)
            decided_at = first_seen.get((copy.name, sight), now) + patience.quiet
            if not holder:
                moves.append(moved)
            elif now >= decided_at:
                lost.append(moved)
            else:
                undecided[copy.name, sight] = decided_at
    gesture = min(moves, key=lambda moved: _rank(ticket, moved), default=None)
    if gesture is not None:
        lost += [moved for moved in moves if moved.target != gesture.target]
    return Judgement(gesture, tuple(lost), frozenset(undecided), min(undecided.values(), default=None))


def _rank(ticket: int, moved: Moved) -> tuple[bool, bool, int, int]:
    """The least wins: a ticket before a held answer, an agent before a mere place, then by lot."""
    lot = zlib.crc32(f"{ticket} {moved.target}".encode())
    return moved.is_held, not agent_of(moved.target), lot, moved.uid


@dataclass(frozen=True, slots=True)
class Put:
    """Append a copy.  ``may_exist``: look for it first, an earlier try may have succeeded unseen."""

    name: str
    target: Place
    may_exist: bool
    was_missing: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """Move a copy to where it belongs."""

    name: str
    sight: Sight
    target: Place


@dataclass(frozen=True, slots=True)
class Drop:
    """Take a copy away that is one too many."""

    name: str
    sight: Sight


Repair = Put | Shift | Drop


@dataclass(slots=True)
class Plan:
    """What makes a ticket right; for ``records`` nothing is to be done but to write down what was seen."""

    repairs: list[Repair] = field(default_factory=list)
    records: list[CopyRecord] = field(default_factory=list)
    look_again: float | None = None

    def wait_until(self, moment: float) -> None:
        self.look_again = moment if self.look_again is None else min(self.look_again, moment)


def repair(
    copies: Sequence[Copy],
    undecided: Collection[tuple[str, Sight]],
    now: float,
    patience: Patience = PATIENT,
) -> Plan:
    """What is to be done for one ticket."""
    plan = Plan()
    for copy in copies:
        free = [sight for sight in copy.seen if (copy.name, sight) not in undecided]
        if free:
            _place(plan, copy, free)
        elif not copy.seen:
            _restore(plan, copy, now, patience.missing)
    return plan


def _place(plan: Plan, copy: Copy, free: Sequence[Sight]) -> None:
    """One of these stays, or goes where it belongs; the others are too many."""
    kept = min(free, key=lambda sight: _precedence(copy, sight))
    if kept.place != copy.wanted:
        plan.repairs.append(Shift(copy.name, kept, copy.wanted))
    elif copy.record != (settled := CopyRecord(copy.name, copy.wanted)):
        plan.records.append(settled)
    plan.repairs += [Drop(copy.name, sight) for sight in sorted(free) if sight != kept]


def _precedence(copy: Copy, sight: Sight) -> tuple[bool, bool, Sight]:
    return sight.place != copy.wanted, sight.place != copy.record.place, sight


def _restore(plan: Plan, copy: Copy, now: float, patience: float) -> None:
    """Put a copy that is nowhere: at once where it never was, else after a while."""
    record = copy.record
    if record.place == DISMISSED:
        return
    if not record.place:
        plan.repairs.append(Put(copy.name, copy.wanted, may_exist=record.aim != NOWHERE))
    elif record.missing is None:
        plan.records.append(replace(record, missing=now))
        plan.wait_until(now + patience)
    elif now < record.missing + patience:
        plan.wait_until(record.missing + patience)
    elif record.name.startswith("e"):
        plan.records.append(CopyRecord(record.name, DISMISSED))
    else:
        plan.repairs.append(Put(copy.name, copy.wanted, may_exist=True, was_missing=True))
