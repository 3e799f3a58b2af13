"""From what is kept of a ticket, its events and mails, to what its clocks must know of it.

An answer is the event ``answered``, because that is written when the answer leaves, not when it is held.  A
customer's mail counts from when it was accepted, however long it waited for the chain, and so does the ticket
that it opens or opens again.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from mailproc.model.target import Happening, What
from mailproc.model.ticket import Direction, Event, State

STATES = {
    State.NEW: What.WORK,
    State.CLAIMED: What.WORK,
    State.ANSWERED: What.ANSWERED,
    State.SNOOZED: What.SNOOZED,
    State.CLOSED: What.CLOSED,
    State.SPAM: What.OFF,
    State.PROBLEM: What.OFF,
}
THANKED = "thanked"  # the mail that came just before it wants nothing
SPLIT = "split"  # mails went to another ticket
TOLD = ("answered", "merged", "taken_back", SPLIT, THANKED)  # what counts though it may change no state

OLDER = ", an older mail"  # ends the detail of an answer to a mail that is not the customer's newest
_TAKEN_BACK = "an answer "  # and then what the answer's own event says


@dataclass(frozen=True, slots=True)
class Letter:
    """What counts of a message; ``opened`` is when its own ticket was, where that is part of another."""

    at: float
    direction: Direction
    automatic: str
    agent: str = ""
    message_id: str = ""
    opened: float | None = None

    @property
    def is_customers(self) -> bool:
        return self.direction is Direction.IN and self.automatic == "none"

    @property
    def is_agents(self) -> bool:
        return self.direction is Direction.OUT and bool(self.agent)


def happenings(opened: float, events: Iterable[Event], letters: Iterable[Letter]) -> list[Happening]:
    """In order, none before ``opened``.  Events and letters are in the order in which they were stored.

    Only events with a state, and those ``TOLD``, are looked at.  What an older ticket brought that is part of
    this one now counts at ``opened``, in the order in which it happened.
    """
    told = list(events)
    mails = list(_of_letters(opened, letters))
    for event in told:
        if event.what == THANKED:
            _forget_mail(mails, event.at)
    found = sorted([*mails, *_of_events(opened, told, mails)], key=attrgetter("at"))
    return [Happening(max(each.at, opened), each.what) for each in found]


def _forget_mail(mails: list[Happening], at: float) -> None:
    """A mail that only says thanks starts nothing; it is the customer's newest at that time."""
    for place in reversed(range(len(mails))):
        if mails[place].what is What.CUSTOMER and mails[place].at <= at:
            del mails[place]
            return


def _of_letters(opened: float, letters: Iterable[Letter]) -> Iterator[Happening]:
    """The customer's mails, each once; and answers from before the ticket's own time, where it was split off.

    Those have no events there.
    """
    known: set[str] = set()
    last = -math.inf
    for letter in letters:
        last = max(last, letter.at)
        if letter.is_customers and letter.message_id not in known:
            known.update({letter.message_id} - {""})
            yield Happening(last, What.CUSTOMER)
        elif letter.is_agents and letter.at < (opened if letter.opened is None else letter.opened):
            yield Happening(last, What.ANSWER)


def _of_events(opened: float, events: list[Event], mails: list[Happening]) -> list[Happening]:
    """What events tell; a clock that was put back does not change their order."""
    wrote = [mail.at for mail in mails if mail.what is What.CUSTOMER]
    found: list[Happening] = []
    answers: list[tuple[str, Happening]] = []
    last = -math.inf
    last_split = max((place for place, event in enumerate(events) if event.what == SPLIT), default=-1)
    for place, event in enumerate(events):
        if event.what == SPLIT:
            continue
        # Which mail opened it again nobody knows once some were split off.
        last = max(last, _since_when(event, opened, last, wrote if place > last_split else ()))
        if event.what == "answered":
            answers.append((event.detail.removesuffix(OLDER), Happening(last, What.ANSWER)))
        elif event.what == "taken_back":
            _take_back(answers, event.detail.removeprefix(_TAKEN_BACK))
        if event.state is not None:
            found.append(Happening(last, STATES[event.state]))
        elif event.what == "merged" and event.detail.startswith("into "):
            found.append(Happening(last, What.OFF))
    return [answer for _, answer in answers] + found


def _since_when(event: Event, opened: float, last: float, wrote: Sequence[float]) -> float:
    if event.what == "opened":
        return opened
    if event.what != "follow_up" or event.state is None:
        return event.at
    newest = bisect_right(wrote, event.at)
    return max(last, wrote[newest - 1]) if newest else event.at


def _take_back(answers: list[tuple[str, Happening]], detail: str) -> None:
    """Forget the newest answer to these people."""
    for place in reversed(range(len(answers))):
        if answers[place][0] == detail:
            del answers[place]
            return
