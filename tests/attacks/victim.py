"""Carla, a customer with a ticket, and what Eve may have made of it."""

from __future__ import annotations

from collections.abc import Sequence

from mailproc.mime.reader import Mail, read
from mailproc.model.follow_up import Role
from mailproc.model.outbox import OutboxKind
from mailproc.model.ticket import Direction, Message, Ticket
from tests.unit.desk.agents_desk import answer, ask, hand_in, reply_address
from tests.unit.desk.office import Office, mail

EVE = "eve@evil.example"
SECRET = "my card ends in 4711"  # stands in Carla's mail


async def carlas_ticket(office: Office) -> Ticket:
    """Her ticket, acknowledged."""
    await office.receive(ask(SECRET))
    (ticket,) = await office.tickets()
    return ticket


async def answered_ticket(office: Office) -> Ticket:
    """Her ticket, answered by Alice."""
    ticket = await carlas_ticket(office)
    assert (await hand_in(office, "alice", answer(to=reply_address(office, ticket)))).code == 250
    return await now(office, ticket)


async def now(office: Office, ticket: Ticket) -> Ticket:
    return await office.store.read(lambda tx: tx.tickets.get(ticket.id))


async def received(office: Office, ticket: Ticket) -> list[Message]:
    """The mails from outside in a ticket."""
    return [one for one in await office.messages(ticket) if one.direction is Direction.IN]


async def roles(office: Office, ticket: Ticket) -> dict[str, Role]:
    return dict(await office.store.read(lambda tx: tx.threads.participants(ticket.id)))


async def from_eve(office: Office, *, to: Sequence[str] = ("support@example.org",), **more: str) -> None:
    """A mail of hers; ``more`` goes to ``mail``."""
    sender = more.pop("envelope", EVE)
    more = {"sender": EVE, "message_id": "<evil@evil.example>", "subject": "Hello", **more}
    assert [reply.code for reply in await office.receive(mail(**more), sender=sender, to=to)] == [250] * len(
        to
    )


async def sent_to(office: Office, address: str) -> list[Mail]:
    """Everything that goes to somebody, by envelope or header."""
    return [
        read(item.content)
        for item in await office.outgoing()
        if address in {each.address for each in item.recipients} or address.encode() in item.content
    ]


async def answers(office: Office) -> list[Mail]:
    """What goes to customers in an agent's name."""
    items = await office.outgoing()
    return [read(item.content) for item in items if item.kind is OutboxKind.REPLY]
