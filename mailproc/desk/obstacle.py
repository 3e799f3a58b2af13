"""What stands against an answer: another one, another agent, or a newer mail of the customer."""

from __future__ import annotations

from dataclasses import dataclass

from mailproc.model.held import HoldReason
from mailproc.model.moment import shown_moment
from mailproc.model.ticket import Ticket
from mailproc.store.protocol import Transaction


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an answer may not leave; ``detail`` is one line of ASCII that an SMTP reply can carry."""

    reason: HoldReason
    detail: str
    other: int | None = None  # the message that is in its way


def obstacle(tx: Transaction, ticket: Ticket, turn: int, agent: str) -> Obstacle | None:
    """Why ``take_turn`` does not let an answer of this agent to this turn through; None where it would."""
    standing = tx.answers.standing(ticket.id)
    if turn < standing.turn:
        return _older(tx, ticket)
    if standing.turn_answered >= turn and standing.answered_by != agent:
        return _answered(tx, ticket, turn, standing.answered_by)
    if standing.owner not in ("", agent):
        return Obstacle(HoldReason.OWNED, f"{standing.owner} works on it")
    return None


def repeated(tx: Transaction, message: int) -> Obstacle:
    """The agent handed the same in before."""
    earlier = tx.tickets.message(message)
    when = f" on {shown_moment(earlier.at)}" if earlier else ""
    return Obstacle(HoldReason.REPEATED, f"you wrote the same{when}", message)


def _older(tx: Transaction, ticket: Ticket) -> Obstacle:
    newest = tx.answers.newest_of_customer(ticket.id)
    message = tx.tickets.message(newest) if newest is not None else None
    when = f" on {shown_moment(message.at)}" if message else ""
    return Obstacle(HoldReason.OLDER, f"the customer wrote again{when}", newest)


def _answered(tx: Transaction, ticket: Ticket, turn: int, by: str) -> Obstacle:
    answer = tx.answers.answer_to(ticket.id, turn)
    message = tx.tickets.message(answer) if answer is not None else None
    when = f" on {shown_moment(message.at)}" if message else ""
    return Obstacle(HoldReason.ANSWERED, f"{by} answered it{when}", answer)
