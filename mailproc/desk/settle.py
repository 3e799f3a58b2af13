"""What the relay's last word on an outgoing mail means for its ticket.

Runs inside the transaction that records it.  Every permanent failure leaves an event; of an agent's mail the
agent is told by mail, with it attached.
"""

from __future__ import annotations

from mailproc.desk.notice import Notice, give_notice
from mailproc.desk.site import Site
from mailproc.desk.undelivered import WHO, give_back, missed_by_customer
from mailproc.model.outbox import OutboxKind, OutboxState, Settled
from mailproc.model.ticket import Message, MessageStatus, Ticket
from mailproc.store.protocol import Transaction


def settle(tx: Transaction, site: Site, settled: Settled, now: float) -> None:
    """Write events, the status of the message, and a notice where an agent's mail could not be delivered."""
    ticket = tx.tickets.get(settled.item.ticket) if settled.item.ticket is not None else None
    if ticket is not None:
        for failure in settled.failures:
            detail = f"{settled.item.kind.value} to {failure.recipient}: {failure.reply}"
            tx.history.add_event(ticket, "undeliverable", WHO, detail, now)
    if settled.item.kind is OutboxKind.PASSED:
        _tell_sender(tx, site, settled, now)
    if settled.item.kind is OutboxKind.REPLY and ticket is not None:
        _settle_reply(tx, site, ticket, settled, now)


def _settle_reply(tx: Transaction, site: Site, ticket: Ticket, settled: Settled, now: float) -> None:
    message = tx.tickets.message(settled.item.message) if settled.item.message is not None else None
    if message is None:
        return
    failed = [one.address for one in settled.item.recipients if one.state is OutboxState.FAILED]
    missed = missed_by_customer(ticket, message, failed)
    if settled.failures:
        _tell_author(tx, site, ticket, message, settled, missed=missed, now=now)
    if settled.finished and settled.item.state in (OutboxState.SENT, OutboxState.FAILED):
        _end_reply(tx, ticket, message, failed, missed=missed, now=now)


def _end_reply(
    tx: Transaction, ticket: Ticket, message: Message, failed: list[str], *, missed: bool, now: float
) -> None:
    if missed:
        give_back(tx, ticket, message, f"the answer did not reach {', '.join(failed)}", now)
        return
    tx.tickets.set_message_status(message.id, MessageStatus.SENT)
    tx.history.add_event(ticket, "sent", WHO, f"but not to {', '.join(failed)}" if failed else "", now)


def _tell_author(
    tx: Transaction,
    site: Site,
    ticket: Ticket,
    message: Message,
    settled: Settled,
    *,
    missed: bool,
    now: float,
) -> None:
    what_now = (
        "The ticket is in Problem, and its mail can be answered again."
        if missed
        else "Everybody else gets it."
    )
    notice = Notice(
        key=_key(settled),
        subject=f"Not delivered: ticket {ticket.number}",
        text=_text(
            f"Your answer to ticket {ticket.number}", settled, f"{what_now}  Your answer is attached."
        ),
        attached=settled.item.content,
    )
    give_notice(tx, site, message.agent, site.desks.get(ticket.desk), notice, now, ticket=ticket)


def _tell_sender(tx: Transaction, site: Site, settled: Settled, now: float) -> None:
    """A mail of an agent that is no ticket's; we took it over, so nobody else will tell."""
    sender = settled.item.mail_from.lower()
    agents = (agent for agent in site.agents.values() if sender in {str(a).lower() for a in agent.addresses})
    agent = next(agents, None)
    if agent is None or not settled.failures:
        return
    desk = site.desks.get(settled.item.desk) or next(iter(site.desks_of(agent.name)), None)
    text = _text("Your mail", settled, "It is attached.")
    notice = Notice(_key(settled), "Your mail was not delivered", text, attached=settled.item.content)
    give_notice(tx, site, agent.name, desk, notice, now)


def _key(settled: Settled) -> str:
    return f"undeliverable:{settled.item.id}:{'+'.join(failure.recipient for failure in settled.failures)}"


def _text(what: str, settled: Settled, end: str) -> str:
    lines = [f"  {failure.recipient}: {failure.reply}" for failure in settled.failures]
    return "\n".join([f"{what} could not be delivered to:", "", *lines, "", end])
