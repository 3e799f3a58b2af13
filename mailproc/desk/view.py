"""Tickets, messages and events in the shape that the command line prints as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from mailproc.desk.target import dues, standing
from mailproc.model.desk import Desk
from mailproc.model.target import Timing
from mailproc.model.ticket import Direction, Event, Message, Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.targets import Due

View = dict[str, object]


def rfc3339(moment: float | None) -> str | None:
    """A time in UTC (RFC 3339), to the second; None stays None."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def ticket_view(tx: Transaction, ticket: Ticket, due: Due | None = None) -> View:
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
        "due": {"kind": due.kind, "at": rfc3339(due.at)} if due else None,
        "links": [{"ticket": number, "why": why} for number, why in tx.history.links(ticket.id)],
    }


def ticket_views(
    tx: Transaction, desks: Mapping[str, Desk], tickets: Sequence[Ticket], now: float
) -> list[View]:
    """Tickets, each with what is due of it."""
    due = dues(tx, desks, tickets, now)
    return [ticket_view(tx, ticket, due.get(ticket.id)) for ticket in tickets]


def ticket_in_full(tx: Transaction, ticket: Ticket, desks: Mapping[str, Desk], now: float) -> View:
    """The ticket with its messages, events and clocks."""
    desk = desks.get(ticket.desk)
    found = standing(tx, desk, ticket, now) if desk and ticket.merged_into is None else None
    due = found.due if found and found.due.at is not None else None
    return {
        **ticket_view(tx, ticket, due),
        "target": found.target.name if found and found.target else None,
        "clocks": list(map(clock_view, found.timings)) if found else [],
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


def clock_view(timing: Timing) -> View:
    """One clock; ``minutes`` are of business time, and so is ``target``."""
    clock = timing.clock
    return {
        "kind": clock.kind.value,
        "started": rfc3339(clock.started),
        "pauses": [
            {"from": rfc3339(pause.begins), "to": _finite(pause.ends), "why": pause.why.value}
            for pause in clock.pauses
        ],
        "ended": rfc3339(clock.ended),
        "end": clock.end.value if clock.end else None,
        "minutes": round(timing.used / 60, 1),
        "target": round(timing.target / 60, 1),
        "warn": rfc3339(timing.warn),
        "due": rfc3339(timing.due),
        "met": timing.is_met,
    }


def _finite(moment: float) -> str | None:
    return None if math.isinf(moment) else rfc3339(moment)


def event_view(event: Event) -> View:
    return {"at": rfc3339(event.at), "what": event.what, "who": event.who, "detail": event.detail}
