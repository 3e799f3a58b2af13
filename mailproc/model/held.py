"""Why an answer does not leave yet, and what is kept of it until somebody decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class HoldReason(StrEnum):
    ANSWERED = "answered"  # another agent answered the same mail of the customer
    OWNED = "owned"  # another agent works on the ticket
    OLDER = "older"  # the customer wrote again since
    REPEATED = "repeated"  # the same agent sent it before
    INCOMPLETE = "incomplete"  # something in it must be filled in first: it can only be dropped
    REVIEW = "review"  # another agent must approve it


@dataclass(frozen=True, slots=True)
class Hold:
    """One answer that waits.  ``message`` is its row; times are seconds since 1970 in UTC.

    ``other`` is the row of the mail that is in its way: the other answer, the customer's newer mail.
    """

    message: int
    ticket: int
    desk: str
    agent: str
    reason: HoldReason
    detail: str  # one line for people
    other: int | None
    since: float
    told: float  # when its author was told last
    notices: int = 1  # how often
