"""Tickets: states, and the one table of moves between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    NEW = "new"
    CLAIMED = "claimed"
    ANSWERED = "answered"
    SNOOZED = "snoozed"
    CLOSED = "closed"
    SPAM = "spam"
    PROBLEM = "problem"


class Move(StrEnum):
    """What can happen to a ticket's state."""

    CLAIM = "claim"
    RELEASE = "release"
    ANSWER = "answer"
    SNOOZE = "snooze"
    WAKE = "wake"
    CLOSE = "close"
    REOPEN = "reopen"
    SPAM = "spam"
    UNSPAM = "unspam"
    FOLLOW_UP = "follow_up"
    UNDELIVERED = "undelivered"


class IllegalMove(Exception):
    """The ticket's state does not allow this move."""

    def __init__(self, state: State, move: Move) -> None:
        super().__init__(f"cannot {move.value.replace('_', ' ')} a ticket that is {state.value}")
        self.state = state
        self.move = move


_WORKED_ON = (State.NEW, State.CLAIMED, State.ANSWERED, State.SNOOZED, State.PROBLEM)

# State.CLAIMED as a target stands for "with its owner": a ticket without owner goes to NEW instead.
MOVES: dict[Move, dict[State, State]] = {
    Move.CLAIM: dict.fromkeys((*_WORKED_ON, State.CLOSED, State.SPAM), State.CLAIMED),
    Move.RELEASE: dict.fromkeys((State.CLAIMED, State.ANSWERED, State.SNOOZED, State.NEW), State.NEW),
    Move.ANSWER: dict.fromkeys((*_WORKED_ON, State.CLOSED), State.ANSWERED),
    Move.SNOOZE: dict.fromkeys(_WORKED_ON, State.SNOOZED),
    Move.WAKE: {State.SNOOZED: State.CLAIMED},
    Move.CLOSE: dict.fromkeys((*_WORKED_ON, State.CLOSED), State.CLOSED),
    Move.REOPEN: dict.fromkeys((State.CLOSED, State.ANSWERED, State.SPAM, State.PROBLEM), State.CLAIMED),
    Move.SPAM: dict.fromkeys((*_WORKED_ON, State.CLOSED, State.SPAM), State.SPAM),
    Move.UNSPAM: {State.SPAM: State.NEW},
    Move.FOLLOW_UP: {
        State.NEW: State.NEW,
        State.CLAIMED: State.CLAIMED,
        State.ANSWERED: State.CLAIMED,
        State.SNOOZED: State.CLAIMED,
        State.CLOSED: State.CLAIMED,
        State.SPAM: State.SPAM,
        State.PROBLEM: State.PROBLEM,
    },
    Move.UNDELIVERED: {
        **dict.fromkeys((*_WORKED_ON, State.CLOSED), State.PROBLEM),
        State.SPAM: State.SPAM,
    },
}


def next_state(state: State, move: Move, owner: str) -> State:
    """The state after a move, or IllegalMove."""
    target = MOVES[move].get(state)
    if target is None:
        raise IllegalMove(state, move)
    return State.NEW if target is State.CLAIMED and not owner else target


class Direction(StrEnum):
    IN = "in"
    OUT = "out"
    NOTE = "note"


class MessageStatus(StrEnum):
    RECEIVED = "received"
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    HELD = "held"


class Outcome(StrEnum):
    """What became of an accepted delivery; ``status`` adds these up."""

    WAITING = "waiting"
    NEW = "new"
    FOLLOW_UP = "follow_up"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One row of the ticket table.  Times are seconds since 1970 in UTC; ``owner`` "" is nobody."""

    id: int
    number: str
    desk: str
    subject: str
    subject_key: str
    state: State
    owner: str
    customer: str
    opened: float
    updated: float
    closed: float | None
    topic: str
    language: str
    spam: float
    merged_into: int | None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a ticket; ``sha256`` is the digest of its original bytes."""

    id: int
    ticket: int
    desk: str
    sha256: bytes
    direction: Direction
    sender: str
    recipients: tuple[str, ...]
    subject: str
    date: float | None
    message_id: str
    size: int
    automatic: str
    agent: str
    status: MessageStatus
    joined_by: str
    joined_reasons: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a ticket; ``state`` is the one that it is in since, None for the same."""

    at: float
    what: str
    who: str
    detail: str
    state: State | None = None
