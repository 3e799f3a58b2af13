"""Agents' drafts: what one says about who works on a ticket, and which of them we laid there ourselves.

Only headers of drafts are ever looked at.  A draft that is being written is a soft lock: it claims a ticket
that waits in New and that nobody has, and it tells its author, once, that somebody else has it.  It decides
nothing else: which answer leaves is decided when it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailproc.model.ticket import Event, State, Ticket

DRAFTING = "drafting"  # the event of a claim that a draft made
_OTHERS = frozenset({State.CLAIMED, State.ANSWERED, State.SNOOZED})  # with an owner: that agent's business
_OF_OWNERS = frozenset({"claimed", "released", "claim_expired"})


@dataclass(frozen=True, slots=True)
class Draft:
    """One mail in an agent's Drafts, as its headers tell; ``ticket`` is the row that it answers, if any.

    ``saved`` is the server's internal date, in seconds since 1970 UTC.  ``laid`` is the row of the draft of
    ours that its X-Mailproc-Draft proves it to be, or to have been before the agent wrote in it.
    """

    uid: int
    size: int
    saved: float
    ticket: int | None = None
    laid: int | None = None


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """What is known of an agent's draft to a ticket."""

    agent: str
    ticket: int
    since: float
    saved: float
    claimed: bool = False
    told: bool = False


class LaidState(StrEnum):
    WANTED = "wanted"  # the agent took the ticket
    LAYING = "laying"  # it may be there: it is looked for, and not laid again
    LAID = "laid"
    OVER = "over"  # gone, the agent's own by now, or none was to be laid


@dataclass(frozen=True, slots=True)
class LaidDraft:
    """A draft of ours; ``uid``, ``uidvalidity`` and ``size`` are those that it got, 0 before that."""

    id: int
    agent: str
    ticket: int
    turn: int
    state: LaidState
    uidvalidity: int = 0
    uid: int = 0
    size: int = 0


class Verdict(StrEnum):
    NOTHING = "nothing"
    REMEMBER = "remember"  # that the draft was saved
    LOCK = "lock"  # claim the ticket for its author
    TELL = "tell"  # its author, that somebody else has the ticket


def judge(
    agent: str, ticket: Ticket, record: DraftRecord | None, saved: float, now: float, fresh: float
) -> Verdict:
    """What an agent's draft to a ticket means, saved last at ``saved``.

    One that was not saved for ``fresh`` seconds lies there forgotten and means nothing.  A ticket that was
    taken back from its author is locked again only by a draft that was saved since.
    """
    if now - saved > fresh:
        return Verdict.NOTHING
    is_told = record is not None and record.told
    if ticket.owner not in ("", agent) and ticket.state in _OTHERS and not is_told:
        return Verdict.TELL
    if record is not None and saved <= record.saved:
        return Verdict.NOTHING
    is_free = ticket.state is State.NEW and not ticket.owner
    return Verdict.LOCK if is_free else Verdict.REMEMBER


def is_claim_of_draft(agent: str, events: Sequence[Event]) -> bool:
    """Has the agent the ticket because of a draft alone: nothing was done by or for the agent since?"""
    marks = [place for place, event in enumerate(events) if _is_mark(event, agent)]
    if not marks:
        return False
    since = events[marks[-1] + 1 :]
    return not any(event.who == agent or event.what in _OF_OWNERS for event in since)


def _is_mark(event: Event, agent: str) -> bool:
    return event.what == DRAFTING and event.who == agent


def newest(drafts: Iterable[Draft], ours: Iterable[LaidDraft]) -> dict[int, float]:
    """When the newest draft that the agent wrote to each ticket was saved; ours, unchanged, are none."""
    laid = {each.id: each for each in ours}
    found: dict[int, float] = {}
    for draft in drafts:
        if draft.ticket is not None and not _is_as_laid(draft, laid):
            found[draft.ticket] = max(draft.saved, found.get(draft.ticket, draft.saved))
    return found


def _is_as_laid(draft: Draft, laid: dict[int, LaidDraft]) -> bool:
    ours = laid.get(draft.laid or 0)
    return ours is not None and (ours.state is LaidState.LAYING or ours.size == draft.size)


def unchanged(ours: LaidDraft, drafts: Iterable[Draft], uidvalidity: int) -> Draft | None:
    """Our draft where it lies there as we laid it: a mail under one UID never changes (RFC 3501 2.3.1.1)."""
    for draft in drafts:
        is_it = (draft.laid, draft.uid, draft.size) == (ours.id, ours.uid, ours.size)
        if is_it and uidvalidity == ours.uidvalidity:
            return draft
    return None
