"""A desk: one shared address with its chain, agents, folder and rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum

from mailproc.model.address import Address
from mailproc.model.calendar import ALWAYS_OPEN, Calendar
from mailproc.model.escalation import NO_TARGETS, Escalation


class NumberScheme(StrEnum):
    """How ticket numbers are made: ``2026112100017``, ``17``, ``8840213377``."""

    DATE = "date"
    SEQUENCE = "sequence"
    RANDOM = "random"


class ClosedReply(StrEnum):
    """What becomes of a reply to a closed ticket."""

    REOPEN = "reopen"
    NEW = "new"
    REJECT = "reject"


class ForwardPolicy(StrEnum):
    """What becomes of a forward (Fwd:, WG:, TR:) of a mail that belongs to a ticket."""

    NEW = "new"
    JOIN = "join"


class SeveralPolicy(StrEnum):
    """What becomes of a mail that names several tickets."""

    FIRST = "first"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class FollowUpPolicy:
    """A desk's rules for mail that belongs to an earlier ticket."""

    closed: ClosedReply = ClosedReply.REOPEN
    reopen_days: float = 30.0  # after so many days a closed ticket is not reopened: a new, linked one
    forward: ForwardPolicy = ForwardPolicy.NEW
    several: SeveralPolicy = SeveralPolicy.FIRST
    subject_days: float = 7.0  # how long the same subject among the same people still joins


@dataclass(frozen=True, slots=True)
class Desk:
    """What every part may know of a desk.  ``addresses[0]`` is the one that answers come from."""

    name: str
    title: str
    addresses: tuple[Address, ...]
    agents: tuple[str, ...] = ()
    folder: str = ""
    language: str = "en"
    delimiter: str = "+"
    reply_address: bool = True
    number: NumberScheme = NumberScheme.DATE
    follow_up: FollowUpPolicy = field(default_factory=FollowUpPolicy)
    sender: str = "{{ agent }} ({{ desk }})"  # templates of an answer: the name in From …
    salutation: str = ""  # … what stands above the agent's text …
    signature: str = ""  # … and what stands below it
    receipts: bool = False  # an agent's wish for a receipt goes out, with the desk's address
    send_delay: float = 0.0  # seconds that an answer waits, in which it can be taken back
    calendar: Calendar = ALWAYS_OPEN  # when somebody works here
    claim_expires: float = 0.0  # business seconds without activity; 0: a claim lasts until it is given up
    close_after: float = 0.0  # seconds of the customer's silence after an answer; 0: never
    close_warning: float = 0.0  # seconds before that the customer is told; 0: not at all
    thanks: str = ""  # the topic of mails that only say thanks, and reopen nothing
    review: tuple[str, ...] = ()  # agents whose answers another agent must approve
    escalation: Escalation = NO_TARGETS  # how long customers may wait, and what is done after that
    digest: time | None = None  # when its agents are told what is to be done; None: never
    signed: bool = False  # what leaves from its address gets a DKIM signature of ours

    @property
    def address(self) -> Address:
        return self.addresses[0]

    def extension_of(self, recipient: Address) -> str | None:
        """The part after the delimiter: "" for a plain address of the desk, None for a foreign one."""
        local = recipient.local.lower()
        for address in self.addresses:
            if address.domain != recipient.domain:
                continue
            own = address.local.lower()
            if local == own:
                return ""
            if self.delimiter and local.startswith(own + self.delimiter):
                return local[len(own) + len(self.delimiter) :]
        return None
