"""What an IMAP server tells of mailboxes and of the mails in them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a mailbox; while it is equal, no mail came, went or changed its UID.

    Without CONDSTORE (RFC 7162) ``highestmodseq`` is None, and changes of flags are not seen.
    """

    messages: int
    uidnext: int
    uidvalidity: int
    highestmodseq: int | None = None


@dataclass(frozen=True, slots=True)
class Uids:
    """The mails of a mailbox, in ascending order; they mean nothing under another ``uidvalidity``."""

    uidvalidity: int
    uids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """One mail as the server has it; ``internaldate`` is in seconds since 1970 UTC."""

    raw: bytes
    internaldate: float
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class NewMail:
    """One mail to append.  ``raw`` has CRLF line ends; without ``internaldate`` it is now."""

    raw: bytes
    internaldate: float | None = None
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Folder:
    """A line of LIST.  A folder that cannot be selected holds folders only."""

    mailbox: str
    separator: str  # "" in a flat namespace
    selectable: bool = True


@dataclass(frozen=True, slots=True)
class Namespace:
    """Part of a server's tree (RFC 2342): mailboxes whose names begin with ``prefix``."""

    prefix: str
    separator: str
