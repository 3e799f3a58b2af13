"""Tickets, messages and events in the shape that the command line prints as JSON."""

from __future__ import annotations

from datetime import UTC, datetime

from mailproc.model.ticket import Direction, Event, Message, Ticket
from mailproc.store.protocol import Transaction

View = dict[str, object]


def rfc3339(moment: float | None) -> str | None:
    """A time in UTC (RFC 3339), to the second; None stays None."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def ticket_view(tx: Transaction, ticket: Ticket) -> View:
    return {
        "ticket": ticket.number,
        "desk": ticket.desk,
        "subject": ticket.subject,
        "state": ticket.state.value,
        "owner": ticket.owner or None,
        "opened": rfc3339(ticket.opened),
        "updated": rfc3339(ticket.updated),
        "tags": tx.history.tags(ticket.id),
        "topic": ticket.topic or None,
        "language": ticket.language or None,
        "spam": round(ticket.spam, 4),
        "messages": tx.tickets.count_messages(ticket.id),
        "due": None,
        "links": [{"ticket": number, "why": why} for number, why in tx.history.links(ticket.id)],
    }


def ticket_in_full(tx: Transaction, ticket: Ticket) -> View:
    """The ticket with its messages and events."""
    return {
        **ticket_view(tx, ticket),
        "messages": [message_view(tx, message) for message in tx.tickets.messages(ticket.id)],
        "events": [event_view(event) for event in tx.history.events(ticket.id)],
    }


def message_view(tx: Transaction, message: Message) -> View:
    """``delivery`` is what became of an answer at each of its recipients; empty for any other message."""
    return {
        "sha256": message.sha256.hex(),
        "direction": message.direction.value,
        "from": message.sender,
        "to": list(message.recipients),
        "subject": message.subject,
        "date": rfc3339(message.date),
        "message_id": message.message_id,
        "size": message.size,
        "automatic": message.automatic,
        "agent": message.agent or None,
        "status": message.status.value,
        "joined": {"by": message.joined_by, "reasons": list(message.joined_reasons)},
        "delivery": [
            {"recipient": each.address, "state": each.state.value, "reply": each.reply}
            for each in (tx.outbox.of_message(message.id) if message.direction is Direction.OUT else ())
        ],
    }


def event_view(event: Event) -> View:
    return {"at": rfc3339(event.at), "what": event.what, "who": event.who, "detail": event.detail}
