"""An office with agents who answer: mail from customers, answers of agents, the notices they get."""

from __future__ import annotations

from collections.abc import Sequence

from mailproc.mime.reader import Mail, read
from mailproc.model.address import Address
from mailproc.model.outbox import OutboxItem, OutboxKind, OutboxState
from mailproc.model.reply import Reply
from mailproc.model.ticket import Direction, Message, MessageStatus, Ticket
from tests.unit.desk.office import Office, mail

CARLA = "carla@customer.example"
FIRST = "<one@customer.example>"
WAITING, HELD, FAILED = MessageStatus.WAITING, MessageStatus.HELD, MessageStatus.FAILED
MAY_WRITE_NEW = {"alice": {"may_write_new": True}}  # of the agents of an office


def ask(text: str = "Help.", *, message_id: str = FIRST, **more: str) -> bytes:
    """A mail of the customer."""
    return mail(message_id=message_id, text=text, **more)


def again(office: Office, ticket: Ticket, message_id: str, text: str = "Still on fire.") -> bytes:
    """A further mail of the customer to the same ticket."""
    return ask(text, message_id=message_id, extra=f"In-Reply-To: {FIRST}\nReferences: {FIRST}")


def reply_address(office: Office, ticket: Ticket) -> str:
    desk = office.site.desks[ticket.desk]
    return str(office.site.keyring.reply_address(desk, ticket.number))


def answer(
    *,
    to: str,
    text: str = "Use water.",
    sender: str = "alice@example.org",
    answers: str = FIRST,
    message_id: str = "<a1@laptop.example>",
    subject: str = "Re: Printer on fire",
    extra: str = "",
) -> bytes:
    """An answer as an agent's client writes it."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}"]
    lines += [f"Message-ID: {message_id}"] if message_id else []
    lines += [f"In-Reply-To: {answers}", f"References: {answers}"] if answers else []
    lines += [
        "Date: Mon, 21 Sep 2026 14:00:00 +0000",
        "User-Agent: Laptop",
        *extra.splitlines(),
        "",
        text,
        "",
    ]
    return "\r\n".join(lines).encode()


async def hand_in(
    office: Office, agent: str, raw: bytes, *, to: Sequence[str] | None = None, sender: str = ""
) -> Reply:
    """Give a mail to the submission; the envelope is that of the header by default."""
    people = [str(box.address) for box in (*read(raw).to, *read(raw).cc)] if to is None else to
    mail_from = Address.parse(sender or f"{agent}@example.org")
    reply = await office.submissions.accept(agent, mail_from, [Address.parse(each) for each in people], raw)
    office.clock.now += 1
    return reply


async def open_ticket(office: Office) -> Ticket:
    """A ticket of the customer's."""
    await office.receive(ask())
    return (await office.tickets())[0]


async def the_ticket(office: Office) -> Ticket:
    (ticket,) = await office.tickets()
    return ticket


async def answers_of(office: Office, ticket: Ticket) -> list[Message]:
    return [one for one in await office.messages(ticket) if one.direction is Direction.OUT]


async def statuses(office: Office, ticket: Ticket) -> list[MessageStatus]:
    return [one.status for one in await answers_of(office, ticket)]


async def items(
    office: Office, kind: OutboxKind, state: OutboxState = OutboxState.WAITING
) -> list[OutboxItem]:
    return [item for item in await office.outgoing() if item.kind is kind and item.state is state]


async def replies(office: Office) -> list[Mail]:
    """The answers that are on their way."""
    return [read(item.content) for item in await items(office, OutboxKind.REPLY)]


async def notices(office: Office, agent: str = "alice") -> list[Mail]:
    """What an agent was told, oldest first."""
    found = await items(office, OutboxKind.NOTICE)
    return [read(item.content) for item in found if item.recipients[0].address == f"{agent}@example.org"]


async def what_happened(office: Office, ticket: Ticket) -> list[str]:
    return [event.what for event in await office.events(ticket)]
