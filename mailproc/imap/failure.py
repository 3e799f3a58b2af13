"""What can go wrong with an IMAP server: it is not there, or it says no."""

from __future__ import annotations


class ImapDown(Exception):
    """The connection is of no use: not reachable, not in time, closed, or not understood.

    Whether a command under way was carried out is not known; look before it is repeated.
    """


class LoginRefused(ImapDown):
    """The server is there and does not let us in; trying again soon will not help."""


class ImapRefused(Exception):
    """A tagged NO or BAD; the connection is still good.

    ``code`` is the response code (RFC 3501 section 7.1, RFC 5530): ``OVERQUOTA``, ``NOPERM``, ``TRYCREATE``,
    ``NONEXISTENT``, ``EXPUNGEISSUED`` …; ``BAD`` for a tagged BAD, "" where the server gave none.  Two are
    ours: ``UIDVALIDITY``, the mailbox is another one than the UIDs are from; ``TOOBIG``, more octets than
    the server's APPENDLIMIT (RFC 7889).
    """

    def __init__(self, command: str, code: str, text: str) -> None:
        super().__init__(f"{command}: {f'[{code}] ' if code else ''}{text}")
        self.command = command
        self.code = code
        self.text = text

    @property
    def is_gone(self) -> bool:
        """Is there no such mailbox?  One that we may not even see looks the same (RFC 4314 section 6)."""
        return self.code in ("NONEXISTENT", "TRYCREATE")
