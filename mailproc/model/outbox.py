"""What must leave: its kinds, its states, and what the relay said of each recipient.

An acknowledgement, a rejection or a warning leaves at most once: it is recorded as sent before it is sent,
and may be lost by a crash but never doubled.  A reply or a notice leaves at least once, always with the same
bytes and so the same Message-ID; only our DKIM signature, which is not stored, differs from try to try.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailproc.model.reply import Reply


class OutboxKind(StrEnum):
    ACKNOWLEDGEMENT = "acknowledgement"  # "we have your mail, its number is …"
    REJECTION = "rejection"  # the one automatic answer to a reply to a closed ticket
    WARNING = "warning"  # a ticket whose customer is silent will be closed
    REPLY = "reply"  # an agent's mail to a customer
    PASSED = "passed"  # an agent's mail that is no ticket's, handed on as it came
    FORWARD = "forward"  # a customer's mail, sent on to an outside address by a rule
    NOTICE = "notice"  # to agents: not delivered, held, overdue …
    PUBLISH = "publish"  # a copy for the shared folder; leaves by IMAP

    @property
    def at_most_once(self) -> bool:
        return self in (OutboxKind.ACKNOWLEDGEMENT, OutboxKind.REJECTION, OutboxKind.WARNING)


RELAYED = tuple(kind for kind in OutboxKind if kind is not OutboxKind.PUBLISH)


class OutboxState(StrEnum):
    """The state of an item, and of each of its recipients (those are never held or dropped)."""

    WAITING = "waiting"
    HELD = "held"  # a second answer, until an agent decides
    SENT = "sent"  # taken over by the relay for every recipient
    FAILED = "failed"  # given up for one recipient or more
    DROPPED = "dropped"  # taken out by an operator


class Fate(StrEnum):
    """What one attempt meant for one recipient."""

    ACCEPTED = "accepted"
    LATER = "later"  # surely not taken over; may be tried again
    REFUSED = "refused"  # surely not taken over, and never will be
    UNKNOWN = "unknown"  # the relay's answer to the whole mail was never seen


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """One attempt for one recipient, with the relay's reply or our own in its place."""

    recipient: str
    fate: Fate
    reply: Reply


@dataclass(frozen=True, slots=True)
class OutboxRecipient:
    """A recipient as the store knows it; ``reply`` is the last one, "" before the first attempt."""

    address: str
    state: OutboxState
    reply: str


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item to add.  ``key`` says what it is for and makes a second adding harmless.

    ``mail_from`` "" is the null reverse-path; ``message`` is the row whose status follows the item;
    ``content`` is the mail with CRLF line ends; the worker signs it when it leaves.  Times are seconds since
    1970 in UTC; what is not due at once leaves at ``due``.
    """

    key: str
    kind: OutboxKind
    desk: str
    mail_from: str
    recipients: tuple[str, ...]
    content: bytes
    created: float
    ticket: int | None = None
    message: int | None = None
    held: bool = False
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One row of the outbox with its recipients.  ``lease`` is both a time and the proof of a claim."""

    id: int
    key: str
    kind: OutboxKind
    desk: str
    ticket: int | None
    number: str  # of the ticket; "" where there is none
    message: int | None
    mail_from: str
    content: bytes
    state: OutboxState
    attempts: int
    created: float
    due: float
    lease: float
    problem: str
    recipients: tuple[OutboxRecipient, ...]

    @property
    def waiting(self) -> tuple[str, ...]:
        """The recipients that the next attempt is for."""
        return tuple(each.address for each in self.recipients if each.state is OutboxState.WAITING)


@dataclass(frozen=True, slots=True)
class Settled:
    """What one recording changed for good.

    ``item`` is as it stands now; ``results`` are the recipients that were settled (sent or failed) by this
    recording and by no earlier one, so each recipient appears in exactly one Settled.  ``finished`` says that
    nothing of the item waits any more.
    """

    item: OutboxItem
    results: tuple[RecipientResult, ...]

    @property
    def finished(self) -> bool:
        return self.item.state is not OutboxState.WAITING

    @property
    def failures(self) -> tuple[RecipientResult, ...]:
        return tuple(result for result in self.results if result.fate is Fate.REFUSED)
