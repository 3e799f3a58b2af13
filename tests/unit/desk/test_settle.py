"""The relay's last word reaches the ticket, and the agent whose answer could not be delivered."""

from __future__ import annotations

from mailproc.desk.settle import settle
from mailproc.mime.reader import read
from mailproc.model.outbox import RELAYED, Fate, OutboxKind, RecipientResult
from mailproc.model.reply import Reply
from mailproc.model.ticket import MessageStatus, State, Ticket
from mailproc.store.protocol import Transaction
from tests.unit.desk.agents_desk import CARLA
from tests.unit.desk.leaving import add_answer
from tests.unit.desk.office import Office, mail

NOBODY = Reply(550, "5.1.1", "no such user")
TAKEN = Reply(250, "2.0.0", "ok")


async def settled(office: Office, fate: Fate, reply: Reply) -> tuple[Ticket, MessageStatus]:
    """Send an answer to a fresh ticket; the relay says ``reply``."""
    await office.receive(mail())
    (ticket,) = await office.tickets()

    def work(tx: Transaction) -> MessageStatus:
        message = add_answer(tx, ticket, "<answer@mail.example.org>")
        (item,) = [
            item
            for item in tx.outbox.claim_due(now=10.0**10, lease_until=10.0**10 + 60, limit=10, kinds=RELAYED)
            if item.kind is OutboxKind.REPLY
        ]
        result = tx.outbox.record(item, [RecipientResult(CARLA, fate, reply)], now=20.0, due=None)
        settle(tx, office.site, result, 20.0)
        stored = tx.tickets.message(message)
        assert stored is not None
        return stored.status

    status = await office.store.write(work)
    (ticket,) = await office.tickets()
    return ticket, status


async def test_an_answer_that_the_relay_took_is_sent(office: Office) -> None:
    ticket, status = await settled(office, Fate.ACCEPTED, TAKEN)
    assert status is MessageStatus.SENT
    assert "sent" in [event.what for event in await office.events(ticket)]


async def test_a_refused_answer_puts_the_ticket_into_problem_and_its_agent_is_told(office: Office) -> None:
    ticket, status = await settled(office, Fate.REFUSED, NOBODY)
    assert status is MessageStatus.FAILED
    assert ticket.state is State.PROBLEM
    assert [event.what for event in await office.events(ticket)][-2:] == ["undeliverable", "undelivered"]
    (notice,) = [item for item in await office.outgoing() if item.kind is OutboxKind.NOTICE]
    assert notice.recipients[0].address == "alice@example.org"
    told = read(notice.content)
    assert "550 5.1.1 no such user" in told.text
    assert told.embedded[0].text.strip() == "Try again."
