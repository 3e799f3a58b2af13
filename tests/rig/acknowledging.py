"""Acts on acknowledgements inside one transaction, and the values that they start from."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from mailproc.desk.acknowledge import (
    CustomerMail,
    TicketIdentity,
    enqueue_acknowledgement,
    enqueue_rejection,
)
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.outbox import OutboxItem
from mailproc.model.ticket import Ticket
from mailproc.pipeline.delivery import AcknowledgementPlan
from mailproc.pipeline.template import compile_template
from mailproc.store.protocol import Transaction
from tests.rig.tickets import new_ticket

TEMPLATES = Path(__file__).resolve().parents[2] / "config" / "templates"
NOW = 1_795_000_000.0
DESK = Desk(name="support", title="Example Support", addresses=(Address("support", "example.org"),))
PLAN = AcknowledgementPlan(
    refusal="",
    template=compile_template((TEMPLATES / "acknowledge.en.j2").read_text("utf-8")),
    rejection=compile_template((TEMPLATES / "rejected.en.j2").read_text("utf-8")),
    language="en",
)
VOUCHED = replace(PLAN, vouched=True)
MAIL = CustomerMail(
    sender=Address("Ann", "example.com"),
    message_id="<1@example.com>",
    references=("<0@example.com>",),
    subject="Where is my order?",
    name="Ann Example",
)


Within = Callable[[Callable[["Desks"], None]], Awaitable[None]]


class Desks:
    """One transaction on a fresh store; every act is one ticket or one mail."""

    def __init__(self, tx: Transaction, desk: Desk = DESK) -> None:
        self.tx = tx
        self.desk = desk
        self._numbers = itertools.count(1)

    def ticket(self) -> Ticket:
        return self.tx.tickets.open(
            new_ticket(str(next(self._numbers)), NOW, subject="x", customer="ann@example.com")
        )

    def acknowledge(
        self,
        plan: AcknowledgementPlan | None = PLAN,
        *,
        mail: CustomerMail = MAIL,
        ticket: Ticket | None = None,
        now: float = NOW,
        follow_up: bool = False,
    ) -> str:
        ticket = ticket or self.ticket()
        return enqueue_acknowledgement(
            self.tx, self.desk, ticket, plan, mail, identity(ticket), now=now, follow_up=follow_up
        )

    def reject(self, ticket: Ticket, *, plan: AcknowledgementPlan = PLAN, now: float = NOW) -> str:
        return enqueue_rejection(self.tx, self.desk, ticket, plan, MAIL, identity(ticket), now=now)

    def waiting(self) -> list[OutboxItem]:
        items = (self.tx.outbox.get(item.id) for item in self.tx.outbox.items())
        return [item for item in items if item is not None]

    def events(self, ticket: Ticket) -> list[tuple[str, str]]:
        return [(event.what, event.detail) for event in self.tx.history.events(ticket.id)]


def identity(ticket: Ticket) -> TicketIdentity:
    number = ticket.number
    return TicketIdentity(
        number=number,
        tag=f"[T#{number}-k7q2mx]",
        reply_to=f"support+{number}.k7q2mxabcd@example.org",
        message_id=f"<{number}.1.k7q2mxabcd@mail.example.org>",
        hostname="mail.example.org",
    )


def sender(text: str) -> CustomerMail:
    return replace(MAIL, sender=Address.parse(text))
