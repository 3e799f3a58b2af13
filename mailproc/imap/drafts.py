"""The mails in one agent's Drafts, by their headers; a draft's text is never fetched.

Kept in memory and refreshed by what changed: while the mailbox' STATUS is equal nothing is read.  ImapRefused
where the mailbox cannot be read, ImapDown as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from imapclient.response_parser import parse_response  # type: ignore[import-untyped]

from mailproc.imap import responses
from mailproc.imap.client import ImapClient
from mailproc.imap.mailbox import Folder, Namespace, Status
from mailproc.imap.responses import Piece, uid_sets
from mailproc.imap.session import Session
from mailproc.imap.tree import FolderNames, Tree

MOST = 500  # of the newest mails are looked at
DEFAULT = "Drafts"
FIELDS = ("Message-ID", "In-Reply-To", "References", "To", "Cc", "X-Mailproc-Draft")

_ASKED = b"(UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (%s)])" % " ".join(FIELDS).encode()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One mail of the mailbox; ``header`` has only the FIELDS, as they stand."""

    uid: int
    size: int
    saved: float
    header: bytes


class DraftBox:
    """The mailbox of one agent's drafts, over a connected client."""

    def __init__(self, client: ImapClient, mailbox: str) -> None:
        self.mailbox = mailbox
        self.uidvalidity = 0
        self._client = client
        self._status: Status | None = None
        self._sheets: dict[int, Sheet] = {}

    @property
    def sheets(self) -> Mapping[int, Sheet]:
        """By UID, as of the last ``refresh``; without those marked \\Deleted."""
        return self._sheets

    async def refresh(self, *, full: bool = False) -> frozenset[int]:
        """Look what changed; the UIDs that are new.  ``full``: also where the STATUS is equal."""
        status = await self._client.status(self.mailbox)
        if status == self._status and not full:
            return frozenset()
        found = await self._client.uids(self.mailbox)
        if found.uidvalidity != self.uidvalidity:
            self._sheets = {}
            self.uidvalidity = found.uidvalidity
        wanted = found.uids[-MOST:]
        new = [uid for uid in wanted if uid not in self._sheets]
        fetched = await self._fetch(new)
        self._sheets = {uid: sheet for uid, sheet in self._sheets.items() if uid in wanted} | fetched
        self._status = status
        return frozenset(fetched)

    async def _fetch(self, uids: Iterable[int]) -> dict[int, Sheet]:
        wanted = tuple(uids)
        if not wanted:
            return {}
        job = partial(_read, mailbox=self.mailbox, wanted=wanted, uidvalidity=self.uidvalidity)
        return await self._client.run(job, octets=2000 * len(wanted))


def find_drafts(session: Session, configured: str) -> str:
    """The mailbox as configured (``/`` between levels), else that with \\Drafts (RFC 6154), else "Drafts"."""
    if not configured and (special := _special(session)):
        return special
    return Tree(configured or DEFAULT, (), FolderNames(), session.namespaces).root


def _special(session: Session) -> str:
    """The user's own mailbox for drafts, where the server says which that is."""
    is_asked = session.offers("SPECIAL-USE") and session.offers("LIST-EXTENDED")  # others tell of themselves
    pieces = session.ask("LIST", b'""', b'"*"', *((b"RETURN (SPECIAL-USE)",) if is_asked else ()))
    own = [
        folder.mailbox
        for folder, line in zip(responses.folders(pieces), responses.lines(pieces), strict=True)
        if b"\\drafts" in {flag.lower() for flag in parse_response(line)[0]}
        and folder.selectable
        and _is_own(folder, session.namespaces)
    ]
    return own[0] if own else ""


def _is_own(folder: Folder, namespaces: tuple[Namespace, ...]) -> bool:
    own, *others = namespaces
    return folder.mailbox.startswith(own.prefix) and not any(
        other.prefix and folder.mailbox.startswith(other.prefix) for other in others
    )


def _read(session: Session, mailbox: str, wanted: Iterable[int], uidvalidity: int) -> dict[int, Sheet]:
    found: dict[int, Sheet] = {}
    with session.selected(mailbox, uidvalidity=uidvalidity):
        for uid_set in uid_sets(wanted):
            pieces = session.ask("UID FETCH", uid_set, _ASKED, response="FETCH")
            for line in responses.lines(pieces):
                if (sheet := _sheet(line)) is not None:
                    found[sheet.uid] = sheet
    return found


def _sheet(line: list[Piece]) -> Sheet | None:
    """None for a line that tells of something else, or of a mail that is gone."""
    uid, size, saved = responses.uid_of(line), responses.size_of(line), responses.saved_at(line)
    if uid is None or size is None or saved is None:
        return None
    return Sheet(uid, size, saved, responses.literals(line))
