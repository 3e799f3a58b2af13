"""What an agent's move of a ticket's mail in the folder does: the same verbs as everywhere else.

IMAP does not tell who moved a mail.  So nothing here asks for a person's rights, events name the owner of the
folder that the mail was moved to, or ``folder``, and every verb is one that any agent of the desk may use.

A move is judged by what its maker saw.  Where the ticket is not any more where the mail was taken from (a
customer wrote, an answer left), only taking up a free ticket is still done; everything else is refused, so
that nobody closes a mail that he has not read.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from mailproc.desk.change import Refused, change_state
from mailproc.desk.claim import HeldByAnother, assign, claim, release
from mailproc.desk.close import close, mark_spam, reopen, unmark_spam
from mailproc.desk.departure import take_back
from mailproc.desk.held import approve, reject
from mailproc.desk.notice import tell
from mailproc.desk.site import Site
from mailproc.desk.snooze import snooze
from mailproc.desk.transfer import transfer
from mailproc.desk.wanted import want_draft
from mailproc.model.desk import Desk
from mailproc.model.folder import (
    APPROVED,
    NEW,
    Meaning,
    Place,
    agent_of,
    meaning_of,
    place_of_ticket,
    shelf_time,
)
from mailproc.model.ticket import IllegalMove, Move, State, Ticket
from mailproc.store.protocol import Transaction

FOLDER = "folder"  # who did it, where the place is nobody's

_DONE_BY_US = "only mailproc puts mail there; to end a ticket without an answer move it to Closed"


@dataclass(frozen=True, slots=True)
class Gesture:
    """A move that was seen; ``mark`` names it, so that its maker is told once and not at every look."""

    source: Place
    target: Place
    mark: str


def perform(tx: Transaction, site: Site, desk: Desk, ticket: Ticket, gesture: Gesture, now: float) -> bool:
    """Do what a move within the desk's folder means; False where it is refused, and its maker is told."""
    try:
        _do(tx, desk, ticket, gesture, now)
    except (Refused, IllegalMove) as refused:
        _refuse(tx, site, ticket, gesture, refused, now)
        return False
    want_draft(tx, site, ticket, agent_of(gesture.target), now)
    return True


def perform_transfer(
    tx: Transaction, site: Site, desk: Desk, ticket: Ticket, gesture: Gesture, now: float
) -> bool:
    """The same for a mail that was dragged into ``desk`` out of another desk's folder."""
    agent = agent_of(gesture.target)
    who = agent or FOLDER
    if not agent and gesture.target != NEW:
        reason = Refused(f"to hand a ticket to {desk.title} move it to New there")
        _refuse(tx, site, ticket, gesture, reason, now)
        return False
    if ticket.state is State.CLOSED:
        ticket = reopen(tx, ticket, who=who, now=now)
    ticket = transfer(tx, ticket, desk, who=who, now=now)
    if agent:
        assign(tx, desk, ticket, agent=agent, who=who, now=now)
    want_draft(tx, site, ticket, agent, now)
    return True


def perform_on_answer(
    tx: Transaction, site: Site, ticket: Ticket, message: int, gesture: Gesture, now: float
) -> None:
    """A held answer was moved: one that waits for review leaves from Approved, or goes back to its author
    from the author's folder; all else is put back."""
    held = tx.holds.get(message)
    try:
        if gesture.target == APPROVED:
            approve(tx, site, message, who=FOLDER, now=now)
        elif held is not None and held.agent == agent_of(gesture.target):
            reject(tx, site, message, who=FOLDER, now=now)
        else:
            raise Refused("an answer that is held is sent or dropped by a reply to the notice about it")
    except Refused as refused:
        _refuse(tx, site, ticket, gesture, refused, now)


def lose(tx: Transaction, site: Site, ticket: Ticket, gesture: Gesture, now: float) -> None:
    """A move that came after another one: its maker is told who was faster."""
    faster = f"{ticket.owner} was faster" if ticket.owner else f"it was moved to {place_of(ticket)} first"
    _refuse(tx, site, ticket, gesture, Refused(faster), now)


def _refuse(
    tx: Transaction, site: Site, ticket: Ticket, gesture: Gesture, reason: Exception, now: float
) -> None:
    """Leave an event, and tell the agent whose folder it was; where it was nobody's the event is shown."""
    agent = agent_of(gesture.target)
    if not agent:
        detail = f"{gesture.source} to {gesture.target}: {reason}"
        tx.history.add_event(ticket, "move_refused", FOLDER, detail, now)
        return
    if not isinstance(reason, HeldByAnother):
        tx.history.add_event(ticket, "claim_lost", agent, str(reason), now)
    tell(
        tx,
        site,
        agent,
        ticket,
        key=f"claim-lost:{gesture.mark}",
        subject=f"Not yours: ticket {ticket.number}",
        text=f"{ticket.subject}\n\nYou wanted this ticket, but {reason}.\n",
        now=now,
    )


def place_of(ticket: Ticket) -> Place:
    """The place that shows a ticket; every shelf counts as one."""
    return place_of_ticket(ticket.state, ticket.owner)


def _do(tx: Transaction, desk: Desk, ticket: Ticket, gesture: Gesture, now: float) -> None:
    meaning = meaning_of(gesture.target)
    if meaning is None:
        raise Refused(_DONE_BY_US)
    is_stale = not _shows(gesture.source, ticket)
    if not is_stale and ticket.state is State.ANSWERED and meaning in (Meaning.HOLD, Meaning.RELEASE):
        ticket = _stop_answers(tx, desk, ticket, agent_of(gesture.target) or FOLDER, now)
    if meaning is Meaning.HOLD:
        _hold(tx, desk, ticket, agent_of(gesture.target), now, only_free=is_stale or gesture.source == NEW)
        return
    if is_stale:
        raise Refused(f"the ticket had changed just before: it was {ticket.state.value} already")
    if ticket.state is State.SPAM:
        ticket = unmark_spam(tx, ticket, who=FOLDER, now=now)
    _leave(tx, ticket, meaning, gesture.target, now)


def _shows(place: Place, ticket: Ticket) -> bool:
    if ticket.state is State.SNOOZED:
        return shelf_time(place) is not None
    return place == place_of(ticket)


def _stop_answers(tx: Transaction, desk: Desk, ticket: Ticket, who: str, now: float) -> Ticket:
    """Who takes a ticket out of Answered while its answer still waits for ``send_delay`` wants it back."""
    if not desk.send_delay:
        return ticket
    for row in tx.answers.waiting(ticket.id):
        message = tx.tickets.message(row)
        if message is not None:
            with suppress(Refused):  # it has left
                ticket = take_back(tx, ticket, message, who=who, now=now)
    return ticket


def _hold(tx: Transaction, desk: Desk, ticket: Ticket, agent: str, now: float, *, only_free: bool) -> None:
    if ticket.state is State.SPAM:
        ticket = unmark_spam(tx, ticket, who=agent, now=now)
    if only_free:
        claim(tx, desk, ticket, agent=agent, now=now)
    else:
        assign(tx, desk, ticket, agent=agent, who=agent, now=now)


def _leave(tx: Transaction, ticket: Ticket, meaning: Meaning, target: Place, now: float) -> None:
    match meaning:
        case Meaning.CLOSE:
            close(tx, ticket, who=FOLDER, now=now)
        case Meaning.SPAM:
            mark_spam(tx, ticket, who=FOLDER, now=now)
        case Meaning.SNOOZE:
            if ticket.state is State.CLOSED:
                ticket = reopen(tx, ticket, who=FOLDER, now=now)
            snooze(tx, ticket, until=now + (shelf_time(target) or 0.0), who=FOLDER, now=now)
        case _ if ticket.state in (State.CLAIMED, State.SNOOZED):
            release(tx, ticket, who=FOLDER, now=now)
        case _ if ticket.state is not State.NEW:
            change_state(tx, ticket, Move.REOPEN, who=FOLDER, owner="", now=now)
