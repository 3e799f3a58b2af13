"""Which place of a desk's folder shows a ticket and each of its mails: folders are states.

A *place* is where a copy lies, independent of what the IMAP server calls its mailboxes: ``new``,
``@alice``, ``snoozed/1d``.  ``imap/tree.py`` knows the mailbox of each.  What a move to a place means is
told here too, because it follows from the same table: the agent's gesture and the daemon's repair are two
directions of one rule.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NewType

from mailproc.model.desk import Desk
from mailproc.model.ticket import MessageStatus, State

Place = NewType("Place", str)

NOWHERE = Place("")
DISMISSED = Place("-")  # nowhere, and an agent wants it so
NEW = Place("new")
ANSWERED = Place("answered")
CLOSED = Place("closed")
SPAM = Place("spam")
PROBLEM = Place("problem")
CANNED = Place("canned")  # standard answers, the agents' own mails: never read as tickets
REVIEW = Place("review")  # answers that wait for another agent's eyes
APPROVED = Place("approved")

_HOUR = 3600.0
_DAY = 24 * _HOUR
UNTIL_ANSWER = "answer"  # the shelf of what sleeps until its customer writes
LONGEST = "1w"
SHELVES = {"1d": _DAY, "3d": 3 * _DAY, LONGEST: 7 * _DAY, UNTIL_ANSWER: math.inf}  # below Snoozed, seconds
_SHELF = "snoozed/"

_PLACES = {
    State.NEW: NEW,
    State.ANSWERED: ANSWERED,
    State.CLOSED: CLOSED,
    State.SPAM: SPAM,
    State.PROBLEM: PROBLEM,
}
_NAMES = {
    State.NEW: "New",
    State.ANSWERED: "Answered",
    State.SNOOZED: "Snoozed",
    State.CLOSED: "Closed",
    State.SPAM: "Spam",
    State.PROBLEM: "Problem",
}


def folder_of(desk: Desk, state: State, owner: str) -> str:
    """The folder below the desk's own, ``Support/New`` or ``Support/@alice``, as it is called by default."""
    name = f"@{owner}" if state is State.CLAIMED else _NAMES[state]
    return f"{desk.folder or desk.name}/{name}"


def agents_place(agent: str) -> Place:
    return Place(f"@{agent}")


def agent_of(place: Place) -> str:
    """Whose place this is; "" for one that is nobody's."""
    return place[1:] if place.startswith("@") else ""


def shelf(name: str) -> Place:
    """Where what is snoozed for so long lies; ``name`` is one of SHELVES."""
    return Place(_SHELF + name)


def shelf_for(seconds: float) -> Place:
    """The shelf that shows a ticket which sleeps for so long: the shortest one that is long enough."""
    if seconds == math.inf:
        return shelf(UNTIL_ANSWER)
    return shelf(
        next((name for name, length in SHELVES.items() if seconds <= length + 1 < math.inf), LONGEST)
    )


def shelf_time(place: Place) -> float | None:
    """How long what is moved to a shelf sleeps, in seconds; None where the place is no shelf.

    Infinity: until its customer writes.
    """
    return SHELVES.get(place.removeprefix(_SHELF)) if place.startswith(_SHELF) else None


def places_of(desk: Desk) -> tuple[Place, ...]:
    """Every place of a desk's folder, in the order in which a person would list them."""
    four_eyes = (REVIEW, APPROVED) if desk.review else ()
    return (
        NEW,
        *map(agents_place, desk.agents),
        ANSWERED,
        *map(shelf, SHELVES),
        CLOSED,
        SPAM,
        PROBLEM,
        *four_eyes,
        CANNED,
    )


def place_of_ticket(state: State, owner: str, snoozed_on: str = "") -> Place:
    """Where a ticket lies; ``snoozed_on`` is the shelf of one that is snoozed, the longest by default."""
    if state is State.CLAIMED:
        return agents_place(owner)
    if state is State.SNOOZED:
        return Place(snoozed_on) if snoozed_on else shelf(LONGEST)
    return _PLACES[state]


def place_of_message(of_ticket: Place, status: MessageStatus, *, in_review: bool = False) -> Place:
    """Where the copy of one message lies: with its ticket, but for an answer that is held back."""
    if status is not MessageStatus.HELD:
        return of_ticket
    return REVIEW if in_review else PROBLEM


class Meaning(StrEnum):
    """What an agent says by moving a ticket's mail to a place."""

    HOLD = "hold"  # this agent works on it
    RELEASE = "release"  # nobody does
    CLOSE = "close"
    SPAM = "spam"
    SNOOZE = "snooze"


def meaning_of(target: Place) -> Meaning | None:
    """What moving a ticket there says; None for the places that only mailproc fills."""
    if agent_of(target):
        return Meaning.HOLD
    if shelf_time(target) is not None:
        return Meaning.SNOOZE
    return {NEW: Meaning.RELEASE, CLOSED: Meaning.CLOSE, SPAM: Meaning.SPAM}.get(target)
