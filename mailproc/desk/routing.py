"""What the chain wants done with a mail beside filing it: an owner, a later time, a copy to outsiders.

All of it is part of the transaction that files the mail.  A copy for an outside address is the customer's
own mail, unchanged below new header fields that say who sent it on (RFC 5322 section 3.6.6).  Its
Resent-Message-ID has a MAC: what comes back with it was sent on by us before, and is not again.
"""

from __future__ import annotations

from email.utils import formatdate

from mailproc.desk.site import Site
from mailproc.desk.snooze import snooze
from mailproc.mime.compose import mailbox_header
from mailproc.mime.surgery import prepend, remove, rename_forged
from mailproc.model.assignment import NOBODY, Assignment
from mailproc.model.desk import Desk
from mailproc.model.mac import read_message_id
from mailproc.model.outbox import NewItem, OutboxKind
from mailproc.model.ticket import State, Ticket
from mailproc.pipeline.delivery import Delivery
from mailproc.store.deliveries import StoredDelivery
from mailproc.store.protocol import Transaction

ROUTE = "route"  # who did it, in events
NO_TICKET = "0"  # stands for a ticket's number in Resent-Message-ID
NO_MESSAGE = 0  # serial of a bounce address that is no message's


def next_agent(tx: Transaction, desk: Desk, assignment: Assignment, customer: str) -> tuple[str, str]:
    """Who gets a ticket of this customer, and why."""
    if not assignment.candidates:
        return NOBODY
    last = tx.assignments.last_agent(desk.name, customer) if assignment.sticky else ""
    return assignment.choose(tx.assignments.workloads(desk.name), last)


def owner_of(tx: Transaction, delivery: Delivery, customer: str) -> tuple[str, str]:
    """The agent who gets the ticket that this mail opens, and why; spam is nobody's."""
    if delivery.assignment is None:
        return delivery.owner, "by a rule" if delivery.owner else ""
    return next_agent(tx, delivery.desk, delivery.assignment, customer)


def leave_opened(
    tx: Transaction, delivery: Delivery, stored: StoredDelivery, ticket: Ticket, why: str, now: float
) -> None:
    """The events of a new ticket that rules had a hand in, whose turn is next, and until when it sleeps."""
    if delivery.fired:
        tx.history.add_event(ticket, "routed", ROUTE, f"rules: {', '.join(delivery.fired)}", now)
    if delivery.desk.name != stored.desk:
        tx.history.add_event(ticket, "moved", ROUTE, f"from desk {stored.desk}", now)
    if ticket.owner:
        tx.assignments.record(ticket.desk, ticket.owner, now)
        tx.history.add_event(ticket, "assigned", ROUTE, f"to {ticket.owner}: {why}", now)
    until = delivery.snoozed_until
    if until is not None and until > now and ticket.state in (State.NEW, State.CLAIMED):
        snooze(tx, ticket, until=until, who=ROUTE, now=now)


def send_on(
    tx: Transaction, site: Site, delivery: Delivery, stored: StoredDelivery, ticket: Ticket | None, now: float
) -> None:
    """Send the mail on to the outside addresses that rules name, unless it was sent on before."""
    if not delivery.forward_to or stored.is_history:
        return
    if _came_back(site, delivery):
        if ticket:
            tx.history.add_event(ticket, "not_forwarded", ROUTE, "it was sent on before and came back", now)
        return
    recipients = tuple(map(str, delivery.forward_to))
    tx.outbox.add(
        NewItem(
            key=f"forward:{stored.id}",
            kind=OutboxKind.FORWARD,
            desk=delivery.desk.name,
            mail_from=_envelope_sender(site, delivery, ticket),
            recipients=recipients,
            content=_content(site, delivery, stored, recipients, now),
            created=now,
            ticket=ticket.id if ticket else None,
        )
    )
    if ticket:
        tx.history.add_event(ticket, "forwarded", ROUTE, f"to {', '.join(recipients)}", now)


def _came_back(site: Site, delivery: Delivery) -> bool:
    tokens = map(read_message_id, delivery.mail.headers("Resent-Message-ID"))
    return any(site.keyring.verifies(token) for token in tokens if token)


def _envelope_sender(site: Site, delivery: Delivery, ticket: Ticket | None) -> str:
    """Where a report goes: to the ticket, where the mail is not itself a report and there is a ticket."""
    if ticket is None or delivery.envelope.mail_from is None:
        return ""
    desk = delivery.desk
    return str(site.keyring.bounce_address(desk, ticket.number, NO_MESSAGE) or desk.address)


def _content(
    site: Site, delivery: Delivery, stored: StoredDelivery, recipients: tuple[str, ...], now: float
) -> bytes:
    desk = delivery.desk
    resent = [
        ("Resent-Message-ID", site.keyring.message_id(NO_TICKET, stored.id, site.hostname)),
        ("Resent-Date", formatdate(now)),
        ("Resent-From", mailbox_header(desk.title, desk.address)),
        ("Resent-To", ", ".join(recipients)),
    ]
    return prepend(remove(rename_forged(delivery.raw, site.hostname), "Return-Path"), resent)
