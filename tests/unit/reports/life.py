"""A desk's life, made up: tickets, mails and events as the desk's own verbs leave them."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mailproc.desk import claim as claims
from mailproc.desk import close as ends
from mailproc.desk.change import Refused, change_state
from mailproc.desk.merge import merge, split, unmerge
from mailproc.desk.snooze import snooze
from mailproc.desk.transfer import transfer
from mailproc.failpoint import NO_FAILPOINTS
from mailproc.model.address import Address
from mailproc.model.calendar import Calendar
from mailproc.model.desk import Desk
from mailproc.model.hours import make_week, parse_hours
from mailproc.model.ticket import Direction, IllegalMove, MessageStatus, Move, State, Ticket
from mailproc.reports.keep import find, is_behind, put
from mailproc.reports.stamp import Stamps
from mailproc.store.migrate import migrate
from mailproc.store.sqlite import SqliteConnection
from mailproc.store.tickets import NewMessage, NewTicket
from mailproc.store.transaction import Transaction

START = datetime(2026, 9, 20, 6, tzinfo=UTC).timestamp()
BERLIN = ZoneInfo("Europe/Berlin")
AGENTS = ("alice", "bob")
OFFICE = Calendar(make_week([parse_hours("09:00-12:00, 13:00-17:00")] * 5 + [()] * 2), BERLIN, name="office")
CLASSES = ("none", "none", "none", "auto_reply", "list", "bounce")
TOPICS = ("invoice", "delivery", "")


def desk(name: str, calendar: Calendar = OFFICE) -> Desk:
    return Desk(name, name.title(), (Address.parse(f"{name}@example.org"),), agents=AGENTS, calendar=calendar)


@contextmanager
def memory() -> Iterator[Transaction]:
    """A store that is gone afterwards."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(raw, NO_FAILPOINTS)
        yield Transaction(SqliteConnection(raw))
    finally:
        raw.close()


class Life:
    """Things happen one after the other, at times and in an order that a seed decides."""

    def __init__(self, tx: Transaction, seed: int) -> None:
        self.tx = tx
        self.rng = random.Random(seed)
        self.now = START
        self.desks = {
            "support": desk("support"),
            "night": desk("night", Calendar(((((0, 86400),),) * 7), UTC)),
        }
        self.tickets: list[int] = []
        self.mails = 0
        self.more: list[Callable[[], object]] = []  # verbs beside the usual ones

    def run(self, steps: int) -> None:
        """So many things happen, over a few weeks."""
        verbs: list[Callable[[], object]] = [
            self.opens,
            self.follows,
            self.follows,
            self.thanks,
            self.answers,
            self.answers,
        ]
        verbs += [
            self.claims,
            self.releases,
            self.closes,
            self.closes,
            self.reopens,
            self.snoozes,
            self.wakes,
        ]
        verbs += [self.is_spam, self.is_ham, self.merges, self.moves, self.happens, self.happens, *self.more]
        self.opens()
        for _ in range(steps):
            self.now += self.rng.choice((0, 60, 3600, 20_000, 90_000)) * self.rng.random()
            with suppress(IllegalMove, Refused):
                self.rng.choice(verbs)()

    def keep(self, limit: int = 50) -> None:
        """Find out what reports want to know."""
        stamps = Stamps({name: desk.calendar for name, desk in self.desks.items()})
        while is_behind(self.tx, stamps, self.now):
            assert put(self.tx, find(self.tx, stamps, self.now, limit))

    def one(self) -> Ticket:
        return self.tx.tickets.get(self.rng.choice(self.tickets))

    def opens(self) -> Ticket:
        is_spam = self.rng.random() < 0.15
        state = State.SPAM if is_spam else State.NEW
        customer = f"carla@{self.rng.choice(('customer.example', 'other.example'))}"
        ticket = self.tx.tickets.open(
            NewTicket(
                number=f"{len(self.tickets) + 1}",
                desk=self.rng.choice(tuple(self.desks)),
                subject=f"Question {len(self.tickets) + 1}",
                subject_key="question",
                state=state,
                owner="",
                customer=customer,
                opened=self.now,
                topic=self.rng.choice(TOPICS),
                language=self.rng.choice(("de", "en", "")),
                spam=0.5,
            )
        )
        self.tickets.append(ticket.id)
        self.tx.history.add_event(ticket, "opened", customer, ticket.subject, self.now, state)
        self.mail(ticket, Direction.IN, customer, automatic=self.rng.choice(CLASSES))
        reasons = (
            "null reverse-path",
            "limit: 3 automatic answers to a@b.example within 24 hours",
            "spam (score 0.99)",
        )
        sent = self.rng.random() < 0.5
        detail = "to carla@customer.example in en" if sent else self.rng.choice(reasons)
        self.tx.history.add_event(
            ticket, "acknowledged" if sent else "not_acknowledged", "mailproc", detail, self.now
        )
        return ticket

    def mail(
        self, ticket: Ticket, direction: Direction, sender: str, *, automatic: str = "none", agent: str = ""
    ) -> int:
        self.mails += 1
        return self.tx.tickets.add_message(
            ticket,
            NewMessage(
                delivery=None,
                sha256=self.mails.to_bytes(32, "big"),
                direction=direction,
                sender=sender,
                recipients=("support@example.org",),
                subject="s",
                date=self.now,
                message_id=f"<{self.mails}@example.org>" if self.rng.random() < 0.9 else "",
                size=1,
                automatic=automatic,
                at=self.now - (self.rng.choice((0, 0, 30)) if direction is Direction.IN else 0),
                agent=agent,
                status=MessageStatus.SENT if agent else MessageStatus.RECEIVED,
            ),
        )

    def follows(self) -> None:
        ticket, automatic = self.one(), self.rng.choice(CLASSES)
        self.mail(ticket, Direction.IN, ticket.customer, automatic=automatic)
        if automatic != "none":
            self.tx.history.add_event(ticket, "follow_up", ticket.customer, "", self.now)
        else:
            change_state(self.tx, ticket, Move.FOLLOW_UP, who=ticket.customer, now=self.now)

    def thanks(self) -> None:
        ticket = self.one()
        if ticket.merged_into is None:
            self.mail(ticket, Direction.IN, ticket.customer)
            self.tx.history.add_event(ticket, "thanked", ticket.customer, "only thanks", self.now)

    def answers(self) -> None:
        ticket, agent = self.one(), self.rng.choice(AGENTS)
        change_state(
            self.tx, ticket, Move.ANSWER, who=agent, owner=agent, now=self.now, detail=f"to {ticket.customer}"
        )
        self.mail(ticket, Direction.OUT, "support@example.org", agent=agent)

    def claims(self) -> None:
        ticket = self.one()
        claims.claim(self.tx, self.desks[ticket.desk], ticket, agent=self.rng.choice(AGENTS), now=self.now)

    def releases(self) -> None:
        claims.release(self.tx, self.one(), who="alice", now=self.now)

    def closes(self) -> None:
        ends.close(self.tx, self.one(), who="folder", now=self.now)

    def reopens(self) -> None:
        ends.reopen(self.tx, self.one(), who="bob", now=self.now)

    def snoozes(self) -> None:
        snooze(self.tx, self.one(), until=self.now + 90_000, who="bob", now=self.now)

    def wakes(self) -> None:
        change_state(self.tx, self.one(), Move.WAKE, who="mailproc", now=self.now)

    def is_spam(self) -> None:
        ends.mark_spam(self.tx, self.one(), who="alice", now=self.now)

    def is_ham(self) -> None:
        ends.unmark_spam(self.tx, self.one(), who="alice", now=self.now)

    def merges(self) -> None:
        merge(self.tx, self.one(), self.one(), who="alice", now=self.now)

    def unmerges(self) -> None:
        unmerge(self.tx, self.one(), who="alice", now=self.now)

    def splits(self) -> None:
        ticket = self.one()
        mails = [message.sha256 for message in self.tx.tickets.messages(ticket.id)]
        new = split(
            self.tx, ticket, self.rng.sample(mails, 1), str(len(self.tickets) + 1), who="bob", now=self.now
        )
        self.tickets.append(new.id)

    def moves(self) -> None:
        transfer(self.tx, self.one(), self.desks[self.rng.choice(tuple(self.desks))], who="bob", now=self.now)

    def happens(self) -> None:
        what, who, detail = self.rng.choice(
            (
                ("held", "alice", "bob answered it on 2026-11-21 10:00 UTC"),
                ("held", "bob", "the customer wrote again"),
                ("held", "bob", "{{ something }} is not filled in"),
                ("refused", "bob", "alice works on it"),
                ("move_refused", "folder", "new to closed"),
                ("bounced", "mailproc", "a@b.example 5.1.1 (hard)"),
                ("bounced", "mailproc", "a@b.example 4.2.2 (soft): full"),
                ("delayed", "mailproc", "a@b.example 4.4.1 (soft)"),
                ("undeliverable", "mailproc", "reply to a@b.example: 550"),
                ("topic_corrected", "alice", "invoice to delivery"),
                ("noted", "analyse", "something"),
            )
        )
        self.tx.history.add_event(self.one(), what, who, detail, self.now)
