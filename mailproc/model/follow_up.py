"""Does this mail belong to an earlier ticket?  All signals are scored and the reasons are kept."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailproc.model.judgement import MailClass


class Joined(StrEnum):
    """The signal that decided, in JSON ``joined.by`` and ``follow_up.by``; "" for a new ticket."""

    REPLY_ADDRESS = "reply_address"
    TAG = "tag"
    MESSAGE_ID = "message_id"
    KNOWN_ID = "known_id"
    MENTIONED_ID = "mentioned_id"
    NUMBER = "number"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Token:
    """A ticket number with the MAC that stood beside it; ``mac`` "" where there was none."""

    number: str
    mac: str = ""


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
    is_reply: bool  # the subject has a reply prefix
    is_forward: bool
    thread_index: str  # Outlook's conversation id (first 22 bytes, hex), or ""
    date: float | None
    received: float
    automatic: MailClass
    aligned: bool
    dmarc_policy: bool = False  # From's domain publishes a DMARC policy


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The decision: ``ticket`` is the number to join or None for a new one; ``links`` names tickets
    that the new one is linked with, and why."""

    ticket: str | None
    by: str = ""
    reasons: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # further tickets joined, where the desk's policy is "all"
    links: tuple[tuple[str, str], ...] = ()
    newcomer: bool = False  # the sender took no part before
    reject: bool = False  # a reply to a closed ticket that the desk rejects
