"""Does this mail belong to an earlier ticket?  The words in which that is asked and answered.

What a mail says stands in ``Signals``, what the store knows of it in ``Evidence``; ``joining.decide`` makes
a ``FollowUp`` of the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from mailproc.model.judgement import MailClass
from mailproc.model.ticket import State


class Joined(StrEnum):
    """The signal that decided, in JSON ``joined.by`` and ``follow_up.by``; "" for a new ticket."""

    REPLY_ADDRESS = "reply_address"
    TAG = "tag"
    MESSAGE_ID = "message_id"
    KNOWN_ID = "known_id"
    MENTIONED_ID = "mentioned_id"
    THREAD_INDEX = "thread_index"
    NUMBER = "number"
    SUBJECT = "subject"


class Carrier(StrEnum):
    """Where a token stood; each carrier has MACs of its own."""

    TAG = "tag"
    REPLY_ADDRESS = "reply_address"
    BOUNCE_ADDRESS = "bounce_address"
    MESSAGE_ID = "message_id"


@dataclass(frozen=True, slots=True)
class Token:
    """A ticket number with the MAC that stood beside it; ``mac`` "" where there was none."""

    number: str
    mac: str = ""
    carrier: Carrier = Carrier.TAG
    serial: str = ""  # of our mail, in a bounce address or a Message-ID


@dataclass(frozen=True, slots=True)
class Signals:
    """All that a mail says about where it belongs; addresses are lower-case addr-specs."""

    sender: str
    people: frozenset[str]  # To and Cc without the desk's own addresses
    reply_tokens: tuple[Token, ...]  # from plus-addresses of the envelope, To and Cc
    subject_tokens: tuple[Token, ...]  # from [T#NUMBER-MAC], and bare [T#NUMBER]
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    subject_key: str
    is_reply: bool  # the subject has a reply prefix, or Outlook says so
    is_forward: bool
    thread_index: str  # Outlook's conversation id (first 22 bytes, hex), or ""
    date: float | None
    received: float
    automatic: MailClass
    aligned: bool
    dmarc_policy: bool = False  # From's domain publishes a DMARC policy
    forged: bool = False  # SPF or DMARC said that From is not who it says
    customer: str = ""  # Reply-To where the sender set one; "" where it is the sender
    topic_key: str = ""  # from Outlook's Thread-Topic, where it differs from the subject
    id_tokens: Mapping[str, Token] = field(default_factory=dict)  # by those Message-IDs that look like ours

    @property
    def ids(self) -> tuple[str, ...]:
        """What the mail answers, nearest first: In-Reply-To, then References from the end."""
        return tuple(dict.fromkeys((*self.in_reply_to, *reversed(self.references))))

    @property
    def tokens(self) -> tuple[Token, ...]:
        return (*self.reply_tokens, *self.subject_tokens, *self.id_tokens.values())

    @property
    def names_something(self) -> bool:
        """False for a mail that says nothing of an earlier one: only others can have mentioned it before."""
        return bool(self.tokens or self.in_reply_to or self.references or self.is_reply or self.thread_index)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The decision: ``ticket`` is the number to join or None for a new one; ``links`` names tickets
    that it is to be linked with, and why."""

    ticket: str | None
    by: str = ""
    reasons: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # further tickets joined, where the desk's policy is "all"
    links: tuple[tuple[str, str], ...] = ()
    newcomer: bool = False  # the sender takes no part, or nobody has answered him yet
    reject: bool = False  # a reply to a closed ticket that the desk rejects
    mac_failures: int = 0  # tokens whose MAC none of our keys made


class IdKind(StrEnum):
    """How a Message-ID came to stand in the thread index."""

    OURS = "ours"
    KNOWN = "known"
    MENTIONED = "mentioned"


class Role(StrEnum):
    """What a participant of a ticket is; NEW joined by an id and was not answered yet."""

    CUSTOMER = "customer"
    PARTICIPANT = "participant"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ticket that a mail may belong to; times are seconds since 1970 in UTC."""

    id: int
    number: str
    desk: str
    subject_key: str
    state: State
    closed: float | None
    merged_into: int | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the store knows of a mail's signals.  Tickets are named by row id."""

    desk: str
    tickets: Mapping[int, Candidate]  # with all that these were merged into
    sightings: Mapping[str, Sequence[tuple[IdKind, int]]] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    same_subject: tuple[int, ...] = ()  # where the sender takes part, lately active, newest first
    proven: frozenset[Token] = frozenset()  # tokens whose MAC is ours
    roles: Mapping[tuple[int, str], Role] = field(default_factory=dict)
    once_here: frozenset[int] = frozenset()  # tickets to which this desk got mail, wherever they are now
    trusted: bool = False  # From is aligned; or it never was, and its domain publishes no policy
    own_domains: frozenset[str] = frozenset()
    mac_failures: int = 0

    def target(self, ticket: int) -> Candidate:
        """The ticket, or the one that it was merged into in the end."""
        candidate, seen = self.tickets[ticket], {ticket}
        while (merged := candidate.merged_into) is not None and merged not in seen and merged in self.tickets:
            seen.add(merged)
            candidate = self.tickets[merged]
        return candidate

    def role(self, ticket: int, address: str) -> Role | None:
        """What somebody is in a ticket or in the one that it was merged into."""
        role = self.roles.get((ticket, address))
        return (
            role if role not in (None, Role.NEW) else self.roles.get((self.target(ticket).id, address), role)
        )

    def takes_part(self, ticket: int, signals: Signals) -> bool:
        """The sender is in the ticket, and so is whoever he wants the answers to go to."""
        people = {signals.sender, signals.customer or signals.sender}
        return all(self.role(ticket, address) for address in people)

    def knows_company(self, ticket: int, signals: Signals) -> bool:
        """The sender is in the ticket, or writes to an outsider who is.

        A colleague of ours in common says nothing: all who answer a circular of ours share its author.
        """
        outsiders = (a for a in signals.people if a.rpartition("@")[2] not in self.own_domains)
        people = {signals.sender, signals.customer, *outsiders}
        return any(self.role(ticket, address) for address in people)


def conversation_id(thread_index: str) -> str:
    """Outlook's conversation as an entry among Message-IDs; unlike them it has no angle brackets."""
    return f"thread-index:{thread_index}" if thread_index else ""
