"""A desk with its store, for tests that let mail come in and look at the ticket that it got."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mailproc.desk.follow_up import find, record
from mailproc.desk.number import new_number
from mailproc.desk.site import Agent, Site
from mailproc.failpoint import NO_FAILPOINTS
from mailproc.mime.reader import read
from mailproc.mime.signals import read_signals
from mailproc.model.address import Address
from mailproc.model.desk import Desk, FollowUpPolicy
from mailproc.model.envelope import Envelope
from mailproc.model.follow_up import FollowUp, Role, Signals
from mailproc.model.judgement import NOT_AUTHENTICATED, Authentication, AuthResult, MailClass
from mailproc.model.mac import Keyring
from mailproc.model.ticket import Direction, State, Ticket
from mailproc.store.migrate import migrate
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteConnection, connect
from mailproc.store.tickets import NewMessage, NewTicket

KEYRING = Keyring.generate(b"0123456789abcdef0123456789abcdef")
NOW = 1_795_262_400.0  # 2026-11-21 12:00 UTC
DAY = 86_400.0
DATE = "Sat, 21 Nov 2026 12:00:00 +0000"
ALIGNED = Authentication(dmarc=AuthResult.PASS, aligned=True)
FORGED = Authentication(spf=AuthResult.FAIL)


@dataclass
class Mailroom:
    """One desk and its store: mail comes in, and the ticket that it got is looked at."""

    tx: Transaction
    desk: Desk
    site: Site
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    mails: int = 0

    def signals(
        self,
        headers: str,
        *,
        sender: str = "ann@example.net",
        rcpt: str = "support@example.org",
        auth: Authentication = NOT_AUTHENTICATED,
        automatic: MailClass = MailClass.NONE,
        at: float = NOW,
    ) -> Signals:
        self.mails += 1
        lines = [f"From: <{sender}>"] if sender else []
        if "To:" not in headers.replace("Reply-To:", "").replace("In-Reply-To:", ""):
            lines.append("To: support@example.org")
        if "Message-ID:" not in headers:
            lines.append(f"Message-ID: <mail{self.mails}@{sender.partition('@')[2]}>")
        if "Date:" not in headers:
            lines.append(f"Date: {DATE}")
        raw = "\r\n".join([*lines, *headers.splitlines(), "", "Hello", ""])
        envelope = Envelope(Address.parse(sender), Address.parse(rcpt))
        return read_signals(
            read(raw.encode()), envelope, self.desk, authentication=auth, automatic=automatic, received=at
        )

    def find(self, signals: Signals) -> FollowUp:
        return find(self.tx, KEYRING, self.desk, signals, signals.received)

    def receive(self, headers: str, **options: object) -> tuple[Ticket, FollowUp]:
        signals = self.signals(headers, **options)  # type: ignore[arg-type]  # handed through
        found = self.find(signals)
        ticket = self.tx.tickets.by_number(found.ticket) if found.ticket else self.open(signals)
        assert ticket is not None
        self.keep(ticket, signals, found)
        return ticket, found

    def keep(self, ticket: Ticket, signals: Signals, found: FollowUp) -> None:
        self.tx.tickets.add_message(
            ticket,
            NewMessage(
                delivery=None,
                sha256=str(self.mails).encode(),
                direction=Direction.IN,
                sender=signals.sender,
                recipients=(),
                subject="",
                date=signals.date,
                message_id=signals.message_id,
                size=0,
                automatic="none",
                at=signals.received,
            ),
        )
        self.tx.tickets.touch(ticket.id, signals.received)
        record(self.tx, self.site, self.desk, ticket, signals, found)

    def open(self, signals: Signals) -> Ticket:
        return self.tx.tickets.open(
            NewTicket(
                number=new_number(self.tx, self.desk, signals.received, self.rng),
                desk=self.desk.name,
                subject=signals.subject_key,
                subject_key=signals.subject_key,
                state=State.NEW,
                owner="",
                customer=signals.customer or signals.sender,
                opened=signals.received,
                topic="",
                language="en",
                spam=0.0,
            )
        )

    def close(self, ticket: Ticket, *, at: float = NOW) -> None:
        self.tx.tickets.set_state(ticket, State.CLOSED, "", at)

    def set_policy(self, **changes: object) -> None:
        policy = replace(self.desk.follow_up, **changes)  # type: ignore[arg-type]  # handed through
        self.desk = replace(self.desk, follow_up=policy)

    def roles(self, ticket: Ticket) -> dict[str, Role]:
        return dict(self.tx.threads.participants(ticket.id))


@contextmanager
def open_mailroom(folder: Path) -> Iterator[Mailroom]:
    raw = connect(folder / "mailproc.db")
    migrate(raw, NO_FAILPOINTS)
    raw.execute("BEGIN")
    desk = Desk(
        "support",
        "Support",
        (Address("support", "example.org"), Address("help", "example.org")),
        agents=("alice",),
        follow_up=FollowUpPolicy(),
    )
    alice = Agent("alice", "Alice", Address("alice", "example.org"))
    site = Site("mail.example.org", {"support": desk}, {"alice": alice}, KEYRING)
    try:
        yield Mailroom(Transaction(SqliteConnection(raw)), desk, site)
    finally:
        raw.close()
