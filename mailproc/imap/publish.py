"""Carry out what was decided: put, move and take away copies in a desk's folder.

Each write was recorded as an aim before; what the server confirms is recorded after it, and what it does not
confirm stays an aim, to be looked for.  Before a copy is put that an earlier try may have put unseen, the
mailbox is searched for its id; the first try of a fresh one is not.

A NO of the server concerns one place: the others are served, and what could not be done is told.  ImapDown
ends everything; the next look at the folder goes on.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mailproc.desk.site import Site
from mailproc.failpoint import FailPoints
from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapRefused
from mailproc.imap.letter import Letterhead, event_letter, large_letter, message_letter
from mailproc.imap.mailbox import NewMail
from mailproc.imap.reconcile import Drop, Put, Repair, Shift
from mailproc.imap.stars import STAR, Stars
from mailproc.imap.tree import Tree
from mailproc.model.address import Mailbox
from mailproc.model.desk import Desk
from mailproc.model.folder import Place
from mailproc.model.ticket import Ticket
from mailproc.store.folders import CopyRecord, row_of
from mailproc.store.protocol import BucketAway, Store, Transaction

log = logging.getLogger("mailproc.imap")

ID_HEADER = "X-Mailproc-Id"
_AT_ONCE = 50  # copies in one APPEND …
_AT_ONCE_OCTETS = 4 * 1024 * 1024  # … and their octets
_LOOK_AGAIN = frozenset({"EXPUNGEISSUED", "UIDVALIDITY"})  # an agent was faster: nothing is wrong
_TOO_LARGE = frozenset({"TOOBIG", "LIMIT"})
_OF_THE_PLACE = frozenset({"NOPERM", "NONEXISTENT", "TRYCREATE", "READ-ONLY"})  # no other mail will do better
_ENOUGH = 3  # refusals of one place on end, after which the rest has to wait

K = TypeVar("K")
R = TypeVar("R", Put, Shift, Drop)
Record = Callable[[Sequence[CopyRecord]], Awaitable[None]]


@dataclass(slots=True)
class Outcome:
    """What became of a set of repairs.

    ``refused``, ``put_off``, ``confirmed`` are names of copies; what is in none was not tried, or is not
    certain.  What is put off waits for its mail, which lies in a bucket.  ``refusals`` and ``served`` tell of
    the places.
    """

    refused: dict[str, ImapRefused] = field(default_factory=dict)
    put_off: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)
    refusals: dict[Place, ImapRefused] = field(default_factory=dict)
    served: set[Place] = field(default_factory=set)

    @property
    def to_try_later(self) -> Set[str]:
        return self.refused.keys() | self.put_off

    def refuse(self, names: Iterable[str], place: Place, refusal: ImapRefused) -> None:
        if refusal.code not in _LOOK_AGAIN:
            self.refused |= dict.fromkeys(names, refusal)
            self.refusals[place] = refusal


@dataclass(frozen=True, slots=True)
class _Letter:
    name: str
    mail: NewMail


@dataclass(frozen=True, slots=True)
class Publisher:
    """Writes into one desk's folder over one connection.

    ``validity`` tells the UIDVALIDITY under which the UIDs of a place were seen; ``record`` writes down what
    the server confirmed.
    """

    site: Site
    desk: Desk
    store: Store
    client: ImapClient
    tree: Tree
    failpoints: FailPoints
    validity: Callable[[Place], int]
    record: Record
    stars: Stars

    async def carry_out(self, repairs: Sequence[Repair]) -> Outcome:
        """Put first, then move, and take away last: a copy is rather there twice than not at all."""
        outcome = Outcome()
        for place, puts in _grouped(repairs, Put, lambda put: put.target).items():
            await self._put(place, puts, outcome)
        for (source, target), shifts in _grouped(repairs, Shift, _way).items():
            await self._shift(source, target, shifts, outcome)
        for place, drops in _grouped(repairs, Drop, lambda drop: drop.sight.place).items():
            await self._drop(place, drops, outcome)
        return outcome

    # Put

    async def _put(self, place: Place, puts: Sequence[Put], outcome: Outcome) -> None:
        try:
            there = [put.name for put in puts if put.may_exist and await self._is_there(put)]
        except ImapRefused as refusal:
            outcome.refuse([put.name for put in puts], place, refusal)
            return
        await self._confirm(there, place, outcome)
        async for batch in self._letters([put.name for put in puts if put.name not in there], outcome):
            if not await self._append(place, batch, outcome):
                return

    async def _is_there(self, put: Put) -> bool:
        mailbox = self.tree.mailbox(put.target)
        return bool(await self.client.find(mailbox, ID_HEADER, self.site.keyring.folder_id(put.name)))

    async def _append(self, place: Place, batch: Sequence[_Letter], outcome: Outcome) -> bool:
        """Put some mails; False where the place takes no more."""
        self.failpoints.reach("folder.before_append")
        try:
            flags = self.stars.flags(place)
            mails = [replace(letter.mail, flags=letter.mail.flags | flags) for letter in batch]
            await self.client.append_many(self.tree.mailbox(place), mails)
        except ImapRefused as refusal:
            return await self._append_apart(place, batch, refusal, outcome)
        self.failpoints.reach("folder.appended")
        await self._confirm([letter.name for letter in batch], place, outcome)
        return True

    async def _append_apart(
        self, place: Place, batch: Sequence[_Letter], refusal: ImapRefused, outcome: Outcome
    ) -> bool:
        """One of them may be what the server refuses; the others must not wait for it."""
        if len(batch) == 1 or refusal.code in _OF_THE_PLACE:
            if refusal.code in _TOO_LARGE and await self._substitute(place, batch[0].name, outcome):
                return True
            outcome.refuse([letter.name for letter in batch], place, refusal)
            return refusal.code not in _OF_THE_PLACE
        on_end = 0
        for letter in batch:
            await self._append(place, [letter], outcome)
            on_end = on_end + 1 if letter.name in outcome.refused else 0
            if on_end == _ENOUGH:
                return False
        return True

    async def _substitute(self, place: Place, name: str, outcome: Outcome) -> bool:
        """Put a small mail in the place of one that is too large."""
        letter = await self.store.read(lambda tx: _read_large(tx, self.site, self.desk, name))
        if letter is None:
            return False
        try:
            await self.client.append_many(self.tree.mailbox(place), [letter.mail])
        except ImapRefused:
            return False
        await self._confirm([name], place, outcome)
        return True

    async def _confirm(self, names: Sequence[str], place: Place, outcome: Outcome) -> None:
        if names:
            await self.record([CopyRecord(name, place) for name in names])
            outcome.confirmed |= set(names)
            outcome.served.add(place)
            self.failpoints.reach("folder.recorded")

    async def _letters(self, names: Sequence[str], outcome: Outcome) -> AsyncIterator[list[_Letter]]:
        """The mails to put, a bearable number at a time."""
        batch: list[_Letter] = []
        octets = 0
        for name in names:
            try:
                letter = await self._letter(name)
            except BucketAway as away:
                log.warning("desk=%s copy=%s: %s", self.desk.name, name, away)
                outcome.put_off.add(name)
                continue
            if letter is None:
                continue
            batch.append(letter)
            octets += len(letter.mail.raw)
            if len(batch) >= _AT_ONCE or octets >= _AT_ONCE_OCTETS:
                yield batch
                batch, octets = [], 0
        if batch:
            yield batch

    async def _letter(self, name: str) -> _Letter | None:
        return await self.store.read(lambda tx: _read(tx, self.site, self.desk, name))

    # Move, and take away

    async def _shift(self, source: Place, target: Place, shifts: Sequence[Shift], outcome: Outcome) -> None:
        uids = {shift.sight.uid: shift.name for shift in shifts}
        try:
            moved = await self.client.move(
                self.tree.mailbox(source),
                list(uids),
                self.tree.mailbox(target),
                uidvalidity=self.validity(source),
            )
        except ImapRefused as refusal:
            outcome.refuse(uids.values(), source, refusal)
            return
        self.failpoints.reach("folder.moved")
        await self._confirm([uids[uid] for uid in moved if uid in uids], target, outcome)
        await self.stars.follow(target, {to: uids[uid] for uid, to in moved.items() if uid in uids})
        outcome.served.add(source)

    async def _drop(self, place: Place, drops: Sequence[Drop], outcome: Outcome) -> None:
        uids = [drop.sight.uid for drop in drops]
        try:
            await self.client.remove(self.tree.mailbox(place), uids, uidvalidity=self.validity(place))
        except ImapRefused as refusal:
            outcome.refuse([drop.name for drop in drops], place, refusal)
        else:
            outcome.confirmed |= {drop.name for drop in drops}
            outcome.served.add(place)


def _way(shift: Shift) -> tuple[Place, Place]:
    return shift.sight.place, shift.target


def _grouped(repairs: Iterable[Repair], kind: type[R], key: Callable[[R], K]) -> Mapping[K, list[R]]:
    """The repairs of one kind, by what they have in common."""
    found: dict[K, list[R]] = defaultdict(list)
    for repair in repairs:
        if isinstance(repair, kind):
            found[key(repair)].append(repair)
    return found


# What the copies are made of


def _read(tx: Transaction, site: Site, desk: Desk, name: str) -> _Letter | None:
    """The mail with this name; None where there is nothing to show."""
    match row_of(name):
        case ("m", row):
            return _read_message(tx, site, desk, name, row)
        case ("l", row):
            return _read_laid(tx, site, desk, name, row)
        case ("e", row):
            event = tx.folders.event(row)
            if event is not None:
                head = _letterhead(tx, site, desk, tx.tickets.get(event.ticket))
                return _Letter(name, NewMail(event_letter(head, name, event), event.at))
    return None


def _read_message(
    tx: Transaction, site: Site, desk: Desk, name: str, row: int, more: Sequence[tuple[str, str]] = ()
) -> _Letter | None:
    message = tx.tickets.message(row)
    raw = tx.deliveries.raw(message.sha256) if message else None
    if message is None or raw is None:
        log.error("desk=%s copy=%s: its mail is missing in the store", desk.name, name)
        return None
    head = _letterhead(tx, site, desk, tx.tickets.get(message.ticket))
    content = message_letter(head, name, message, raw, (*more, *tx.folders.headers(row)))
    return _Letter(name, NewMail(content, message.at))


def _read_laid(tx: Transaction, site: Site, desk: Desk, name: str, row: int) -> _Letter | None:
    """A message that was laid on top: it arrives anew, with a flag, and says why."""
    laid = tx.folders.laid_again(row)
    letter = _read_message(tx, site, desk, name, laid.message, laid.headers) if laid else None
    return _Letter(name, replace(letter.mail, internaldate=laid.at, flags=STAR)) if letter and laid else None


def _read_large(tx: Transaction, site: Site, desk: Desk, name: str) -> _Letter | None:
    named = row_of(name)
    laid = tx.folders.laid_again(named[1]) if named and named[0] == "l" else None
    row = laid.message if laid else named[1] if named and named[0] == "m" else None
    message = tx.tickets.message(row) if row is not None else None
    if message is None:
        return None
    head = _letterhead(tx, site, desk, tx.tickets.get(message.ticket))
    return _Letter(name, NewMail(large_letter(head, name, message), message.at))


def _letterhead(tx: Transaction, site: Site, desk: Desk, ticket: Ticket) -> Letterhead:
    first = next((message.message_id for message in tx.tickets.messages(ticket.id)), "")
    return Letterhead(
        hostname=site.hostname,
        keyring=site.keyring,
        desk=desk,
        ticket=ticket,
        tags=tuple(tx.history.tags(ticket.id)),
        opening=first,
        authors=tuple((agent.name, Mailbox(agent.title, agent.address)) for agent in site.agents.values()),
        authserv_ids=site.authserv_ids,
    )
