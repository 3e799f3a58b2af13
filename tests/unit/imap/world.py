"""A folder without a server: agents who move, copy and delete, and a watcher who makes it right.

The store, the verbs and the decisions are the real ones; only the folder is a dictionary.  ``watch`` makes
one pass as ``imap/watch.py`` does, and can be interrupted or overtaken by agents at any step.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from mailproc.desk.site import Agent, Site
from mailproc.failpoint import NO_FAILPOINTS
from mailproc.imap.inherited import Inherited
from mailproc.imap.reconcile import Drop, Put, Repair, Shift, Sight, is_settled
from mailproc.imap.round import Decision, Rounds, View
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.folder import Place
from mailproc.model.mac import Keyring
from mailproc.model.ticket import Direction, MessageStatus, Ticket
from mailproc.store.connection import Connection
from mailproc.store.folders import CopyRecord, message_name
from mailproc.store.migrate import migrate
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteConnection
from mailproc.store.tickets import NewMessage
from tests.rig.tickets import new_ticket

NOW = 1_795_262_400.0

AGENTS = ("alice", "bob", "carol")
KEYRING = Keyring.generate(bytes(range(32)))


def nobody() -> None:
    """Nothing comes in between."""


@dataclass
class World:
    """One store, the folders of its desks, and the clock."""

    tx: Transaction
    site: Site
    now: float = NOW
    mails: dict[str, dict[Sight, str]] = field(default_factory=dict)  # desk → what lies where
    first_seen: dict[str, dict[tuple[str, Sight], float]] = field(default_factory=dict)
    inherited: dict[str, Mapping[str, Place]] = field(default_factory=dict)
    uids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    tickets: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mails = {desk: {} for desk in self.site.desks}
        self.first_seen = {desk: {} for desk in self.site.desks}

    # Tickets

    def open_ticket(self, *, mails: int = 1, desk: str = "support") -> Ticket:
        ticket = self.tx.tickets.open(new_ticket(str(len(self.tickets) + 1), self.now, desk=desk))
        self.tickets.append(ticket.id)
        for _ in range(mails):
            self.add_mail(ticket)
        return ticket

    def add_mail(
        self,
        ticket: Ticket,
        direction: Direction = Direction.IN,
        status: MessageStatus = MessageStatus.RECEIVED,
    ) -> str:
        message = self.tx.tickets.add_message(
            self.ticket(ticket),
            NewMessage(
                delivery=None,
                sha256=b"",
                direction=direction,
                sender="carla@customer.example",
                recipients=(),
                subject="",
                date=None,
                message_id="",
                size=0,
                automatic="none",
                at=self.now,
                status=status,
            ),
        )
        return message_name(message)

    def ticket(self, ticket: Ticket | int) -> Ticket:
        return self.tx.tickets.get(ticket if isinstance(ticket, int) else ticket.id)

    def place(self, ticket: Ticket) -> Place:
        now = self.ticket(ticket)
        shown = self.tx.folders.shown(now.desk, now.id)
        assert shown is not None
        return shown.place

    def events(self, ticket: Ticket) -> list[str]:
        return [event.what for event in self.tx.history.events(ticket.id)]

    def told(self, agent: str) -> list[str]:
        """The notices that an agent got."""
        items = self.tx.outbox.items()
        return [item.key for item in items if item.recipients[0].address == f"{agent}@example.org"]

    # The folder

    def sights(self, name: str, desk: str = "support") -> list[Sight]:
        return sorted(sight for sight, lying in self.mails[desk].items() if lying == name)

    def places(self, name: str, desk: str = "support") -> list[str]:
        return [sight.place for sight in self.sights(name, desk)]

    def put(self, name: str, place: str, desk: str = "support") -> Sight:
        sight = Sight(Place(place), next(self.uids))
        self.mails[desk][sight] = name
        return sight

    def move(self, name: str, place: str, desk: str = "support", *, to_desk: str = "") -> None:
        """An agent's MOVE of the first such mail."""
        sight = self.sights(name, desk)[0]
        del self.mails[desk][sight]
        self.put(name, place, to_desk or desk)

    def copy(self, name: str, place: str, desk: str = "support") -> Sight:
        """The first half of a move by a client without MOVE; returns what the second half deletes."""
        source = self.sights(name, desk)[0]
        self.put(name, place, desk)
        return source

    def race(self, name: str, *places: str, desk: str = "support") -> None:
        """Agents who move one mail at the same moment: the server says OK to all of them."""
        del self.mails[desk][self.sights(name, desk)[0]]
        for place in places:
            self.put(name, place, desk)

    def delete(self, name: str, desk: str = "support") -> None:
        for sight in self.sights(name, desk):
            del self.mails[desk][sight]

    # The watcher

    def watch(
        self,
        desk: str = "support",
        *,
        before: Callable[[], None] = nobody,
        amid: Callable[[], None] = nobody,
        stop_after: int = 1_000_000,
    ) -> bool:
        """One pass; whether it found anything to do.

        ``before`` happens between the look at the folder and the decision, ``amid`` between the decision
        and its execution; after ``stop_after`` steps of that the watcher dies.
        """
        seen = self._seen(desk)
        before()
        decisions = self._decide(desk, seen)
        amid()
        repairs = [each for decision in decisions for each in decision.plan.repairs]
        for repair in repairs[:stop_after]:
            self._carry_out(desk, repair)
        if len(repairs) <= stop_after:
            for work in self.tx.folders.due(desk, self.now, 1000):
                self.tx.folders.mark_clean(desk, work)
        return bool(repairs)

    def watch_and_freeze(self, then: Callable[[], None], desk: str = "support") -> None:
        """A watcher decides, is frozen, and carries that out at last, when another has its lease."""
        decisions = self._decide(desk, self._seen(desk))
        self.inherited[desk] = Inherited(self.tx.folders.records(desk).values(), self.now).aims(self.now)
        self.first_seen[desk].clear()
        then()
        for repair in [each for decision in decisions for each in decision.plan.repairs]:
            self._carry_out(desk, repair, is_fenced=True)

    def settle(self, *, seconds: float = 200.0) -> None:
        """Pass after pass, until nothing is left to do for longer than anything is waited for."""
        quiet_since = self.now
        end = self.now + seconds * 10
        while self.now - quiet_since < 40 and self.now < end:
            busy = [self.watch(desk) for desk in self.site.desks]
            if any(busy):
                quiet_since = self.now
            self.now += 1
        assert self.now < end, "the watcher does not come to rest"

    def _seen(self, desk: str) -> dict[str, tuple[Sight, ...]]:
        seen: dict[str, tuple[Sight, ...]] = {}
        for sight, name in sorted(self.mails[desk].items()):
            seen[name] = (*seen.get(name, ()), sight)
        return seen

    def _decide(self, desk: str, seen: Mapping[str, tuple[Sight, ...]]) -> list[Decision]:
        records = self.tx.folders.records(desk)
        rounds = Rounds(self.site, self.site.desks[desk])
        first_seen = self.first_seen[desk]
        since: dict[tuple[str, Sight], float] = {}
        decisions = []
        for ticket in self._tickets_to_look_at(desk, seen, records):
            view = View(seen, records, self.now, first_seen, self.inherited.get(desk, {}))
            decision = rounds.decide(self.tx, ticket, view)
            since |= {each: first_seen.get(each, self.now) for each in decision.undecided}
            decisions.append(decision)
        self.first_seen[desk] = since
        return decisions

    def _tickets_to_look_at(
        self, desk: str, seen: Mapping[str, tuple[Sight, ...]], records: Mapping[str, CopyRecord]
    ) -> list[int]:
        due = [self.tx.folders.root(desk, work.ticket) for work in self.tx.folders.due(desk, self.now, 1000)]
        moved = [
            self.tx.folders.family_of(desk, name)
            for name in {**seen, **records}
            if not is_settled(records.get(name, CopyRecord(name)), seen.get(name, ()))
        ]
        return sorted({ticket for ticket in (*due, *moved) if ticket is not None})

    def _carry_out(self, desk: str, repair: Repair, *, is_fenced: bool = False) -> None:
        match repair:
            case Put(name, target, may_exist):
                if not (may_exist and any(sight.place == target for sight in self.sights(name, desk))):
                    self.put(name, target, desk)
                self._record(desk, CopyRecord(name, target), is_fenced=is_fenced)
            case Shift(name, sight, target):
                if self.mails[desk].pop(sight, None):
                    self.put(name, target, desk)
                    self._record(desk, CopyRecord(name, target), is_fenced=is_fenced)
            case Drop(_, sight):
                self.mails[desk].pop(sight, None)

    def _record(self, desk: str, record: CopyRecord, *, is_fenced: bool) -> None:
        if not is_fenced:
            self.tx.folders.record(desk, [record])

    def assert_right(self) -> None:
        """Every mail of every ticket lies where it belongs, once, and nothing else lies anywhere."""
        wanted: dict[tuple[str, str], list[str]] = {}
        for number in self.tickets:
            ticket = self.ticket(number)
            shown = self.tx.folders.shown(ticket.desk, self.tx.folders.root(ticket.desk, number))
            assert shown is not None
            for copy in shown.copies:
                wanted[ticket.desk, copy.name] = [copy.place]
        lying: dict[tuple[str, str], list[str]] = {}
        for desk, mails in self.mails.items():
            for sight, name in mails.items():
                lying.setdefault((desk, name), []).append(sight.place)
        dismissed = {key for key in wanted if key[1].startswith("e") and key not in lying}
        assert lying == {key: places for key, places in wanted.items() if key not in dismissed}


def make_site() -> Site:
    desks = {
        "support": Desk("support", "Support", (Address("support", "example.org"),), agents=AGENTS),
        "sales": Desk("sales", "Sales", (Address("sales", "example.org"),), agents=("carol",)),
    }
    people = {name: Agent(name, name.title(), Address(name, "example.org")) for name in AGENTS}
    return Site("mail.example.org", desks, people, KEYRING)


def make_world(connection: Connection) -> World:
    """A world in a transaction of an empty store."""
    return World(Transaction(connection), make_site())


@contextmanager
def open_world() -> Iterator[World]:
    """A world in memory."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    migrate(raw, NO_FAILPOINTS)
    raw.execute("BEGIN")
    try:
        yield make_world(SqliteConnection(raw))
    finally:
        raw.close()
