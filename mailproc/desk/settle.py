"""What the relay's last word on an outgoing mail means for its ticket.

Runs inside the transaction that records it.  Every permanent failure leaves an event; of an agent's
answer the agent is told by mail, with the answer attached.
"""

from __future__ import annotations

from email.utils import formatdate

from mailproc.desk.change import change_state
from mailproc.desk.site import Agent, Site
from mailproc.mime.compose import compose, mailbox_header
from mailproc.model.desk import Desk
from mailproc.model.outbox import NewItem, OutboxKind, OutboxState, RecipientResult, Settled
from mailproc.model.ticket import MessageStatus, Move, Ticket
from mailproc.store.protocol import Transaction

_WHO = "mailproc"


def settle(tx: Transaction, site: Site, settled: Settled, now: float) -> None:
    """Write events, the status of the message, and a notice where an answer could not be delivered."""
    if settled.item.ticket is None:
        return
    ticket = tx.tickets.get(settled.item.ticket)
    for failure in settled.failures:
        detail = f"{settled.item.kind.value} to {failure.recipient}: {failure.reply}"
        tx.history.add_event(ticket, "undeliverable", _WHO, detail, now)
    if settled.item.kind is not OutboxKind.REPLY:
        return
    if settled.failures:
        _tell_agent(tx, site, ticket, settled, now)
    if settled.finished and settled.item.message is not None:
        _end_reply(tx, ticket, settled.item.message, settled.item.state, now)


def _end_reply(tx: Transaction, ticket: Ticket, message: int, state: OutboxState, now: float) -> None:
    if state is OutboxState.SENT:
        tx.tickets.set_message_status(message, MessageStatus.SENT)
        tx.history.add_event(ticket, "sent", _WHO, "", now)
    elif state is OutboxState.FAILED:
        tx.tickets.set_message_status(message, MessageStatus.FAILED)
        change_state(tx, ticket, Move.UNDELIVERED, who=_WHO, now=now)


def _tell_agent(tx: Transaction, site: Site, ticket: Ticket, settled: Settled, now: float) -> None:
    message = tx.tickets.message(settled.item.message) if settled.item.message is not None else None
    agent = site.agents.get(message.agent) if message else None
    desk = site.desks.get(ticket.desk)
    if agent is None or desk is None:
        return
    tx.outbox.add(
        NewItem(
            key=f"undeliverable:{settled.item.id}:{'+'.join(r.recipient for r in settled.failures)}",
            kind=OutboxKind.NOTICE,
            desk=desk.name,
            mail_from="",
            recipients=(str(agent.address),),
            content=_notice(site, desk, agent, ticket, settled.failures, settled.item.content, now),
            created=now,
            ticket=ticket.id,
        )
    )


def _notice(
    site: Site,
    desk: Desk,
    agent: Agent,
    ticket: Ticket,
    failures: tuple[RecipientResult, ...],
    answer: bytes,
    now: float,
) -> bytes:
    lines = [f"Your answer to ticket {ticket.number} could not be delivered to:", ""]
    lines += [f"  {failure.recipient}: {failure.reply}" for failure in failures]
    lines += ["", "The ticket is open again.  Your answer is attached."]
    return compose(
        [
            ("From", mailbox_header(desk.title, desk.address)),
            ("To", mailbox_header(agent.title, agent.address)),
            ("Subject", f"Not delivered: ticket {ticket.number}"),
            ("Date", formatdate(now)),
            ("Auto-Submitted", "auto-generated"),
            ("X-Mailproc-Loop", site.hostname),
        ],
        "\n".join(lines),
        attached=answer,
    )
