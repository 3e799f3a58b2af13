"""What a customer's mail does to the state of the ticket that it joined.

It wakes, reopens and begins a turn that is to be answered.  A mail that only says thanks does none of that
where the desk wants it so.  A ticket whose owner is absent comes back into New, for everybody.
"""

from __future__ import annotations

from mailproc.desk.absence import KnownAbsences
from mailproc.desk.change import change_state
from mailproc.model.desk import Desk
from mailproc.model.happening import THANKED
from mailproc.model.ticket import Move, State, Ticket
from mailproc.pipeline.delivery import Delivery
from mailproc.store.protocol import Transaction

MOST_WORDS = 40  # of a mail that only says thanks
_QUESTION_MARKS = frozenset("?？؟\N{GREEK QUESTION MARK}")
_DONE = (State.CLOSED, State.ANSWERED)


def only_thanks(delivery: Delivery, ticket: Ticket) -> bool:
    """Does a mail to a ticket that is done say thanks, and nothing that wants an answer?

    The desk names the topic; the model must be as sure of it as the ``analyse`` stage demands.
    """
    wanted = delivery.desk.thanks
    if not wanted or delivery.topic != wanted or ticket.state not in _DONE:
        return False
    text = delivery.mail.reply or delivery.mail.text
    is_short = 0 < len(text.split()) <= MOST_WORDS
    return is_short and not _QUESTION_MARKS.intersection(text) and not delivery.mail.attachments


def accept_thanks(
    tx: Transaction, delivery: Delivery, ticket: Ticket, *, who: str, detail: str, now: float
) -> None:
    """The mail is kept, and nothing else happens; whoever says thanks need not be warned of the closing."""
    tx.history.add_event(ticket, THANKED, who, f"{detail}; only thanks (topic {delivery.desk.thanks})", now)
    if ticket.state is State.ANSWERED:
        tx.waiting.set_warned(ticket.id, now)


def take_up(
    tx: Transaction,
    absences: KnownAbsences,
    desk: Desk,
    ticket: Ticket,
    message: int,
    *,
    who: str,
    detail: str,
    now: float,
) -> Ticket:
    """A person wrote: the ticket is to be worked on."""
    if who not in absences.site.agent_addresses:  # written from another server of theirs
        tx.tickets.begin_turn(ticket.id, message)
    owner = owner_then(tx, absences, desk, ticket, now)
    if owner != ticket.owner:
        detail = f"{detail}; {ticket.owner} is absent"
    return change_state(tx, ticket, Move.FOLLOW_UP, who=who, owner=owner, now=now, detail=detail)


def owner_then(tx: Transaction, absences: KnownAbsences, desk: Desk, ticket: Ticket, now: float) -> str:
    """Who has the ticket when it comes back; "" where its owner is absent and is not at work on it."""
    if not ticket.owner or ticket.state is State.CLAIMED:
        return ticket.owner
    return "" if absences.is_absent(tx, desk, ticket.owner, now) else ticket.owner
