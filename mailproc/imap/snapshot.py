"""What all places of a desk hold now, as the server tells it: kept in memory and brought up to date.

A mailbox whose Status is as it was is not looked at again; in another one only mails with new UIDs are asked
for their header, because a mail never changes under its UID (RFC 3501 section 2.3.1.1).  Without CONDSTORE a
mark of \\Deleted does not show in the Status; a full refresh sees it.

A copy of ours that comes with the mark on it was copied while its source was marked already: two agents took
one mail, with clients that copy, mark and expunge.  COPY keeps flags (RFC 3501 section 6.4.7).  The mark was
not meant for this copy, and is taken off, so that it counts and its owner does not lose it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapRefused
from mailproc.imap.mailbox import Status
from mailproc.imap.tree import Tree
from mailproc.model.folder import Place

_NOTHING: Mapping[int, str] = MappingProxyType({})


@dataclass(slots=True)
class _Seen:
    """What is known of one place."""

    status: Status | None = None  # None: look whatever it is
    uidvalidity: int = 0
    mails: dict[int, str] = field(default_factory=dict)


class Snapshot:
    """Of one tree through one client.  After a reconnect make a new one.

    ``missing`` are places without a mailbox; what they held is gone.  ``unreadable`` are places that the
    server refuses to show, with its reason; what they held when they were seen last is still told, and is
    to be taken for present.
    """

    def __init__(self, client: ImapClient, tree: Tree) -> None:
        self.client = client
        self.tree = tree
        self.missing: frozenset[Place] = frozenset()
        self.unreadable: Mapping[Place, ImapRefused] = {}
        self._seen: dict[Place, _Seen] = {}

    def mails(self, place: Place) -> Mapping[int, str]:
        """The X-Mailproc-Id of each mail of a place that is not marked \\Deleted, by its UID, ascending."""
        seen = self._seen.get(place)
        return MappingProxyType(seen.mails) if seen else _NOTHING

    def uidvalidity(self, place: Place) -> int:
        """Under which the UIDs of ``mails`` are valid; 0 where nothing was seen yet."""
        seen = self._seen.get(place)
        return seen.uidvalidity if seen else 0

    def forget(self) -> None:
        """Let go of every mail."""
        for seen in self._seen.values():
            seen.mails.clear()

    async def refresh(self, *, full: bool = False) -> frozenset[Place]:
        """Look again; the places whose mails are others than before.

        ``full`` looks into every mailbox whatever its Status.  ImapDown leaves what was known so far.
        """
        changed = set()
        missing = set()
        unreadable: dict[Place, ImapRefused] = {}
        statuses = await self.client.statuses(self.tree.mailboxes.values())
        for place, mailbox in self.tree.mailboxes.items():
            status = statuses[mailbox]
            try:
                if isinstance(status, ImapRefused):
                    raise status
                if full or self._status_of(place) != status:
                    changed |= {place} if await self._look(place, status) else set()
            except ImapRefused as refusal:
                if not refusal.is_gone:
                    unreadable[place] = refusal
                    continue
                missing.add(place)
                changed |= {place} if self.mails(place) else set()
                self._seen.pop(place, None)
        self.missing, self.unreadable = frozenset(missing), unreadable
        return frozenset(changed)

    def _status_of(self, place: Place) -> Status | None:
        seen = self._seen.get(place)
        return seen.status if seen else None

    async def _look(self, place: Place, status: Status) -> bool:
        """Read one mailbox; whether its mails are others than they were.

        ``status`` is from before: what comes meanwhile is seen now or makes the next one differ.
        """
        mailbox = self.tree.mailbox(place)
        listed = await self.client.uids(mailbox)
        known = self.mails(place) if self.uidvalidity(place) == listed.uidvalidity else _NOTHING
        fresh = [uid for uid in listed.uids if uid not in known]
        found = await self.client.copy_ids(mailbox, fresh, uidvalidity=listed.uidvalidity)
        mails = {
            uid: copy_id for uid in listed.uids if (copy_id := known.get(uid, found.get(uid))) is not None
        }
        if self.uidvalidity(place) == listed.uidvalidity and (ours := await self._unmark(place, status)):
            mails = dict(sorted((mails | ours).items()))
        is_other = mails != known or self.uidvalidity(place) not in (0, listed.uidvalidity)
        self._seen[place] = _Seen(status, listed.uidvalidity, mails)
        return is_other

    async def _unmark(self, place: Place, status: Status) -> dict[int, str]:
        """Take \\Deleted off copies of ours that came with it since the last look; these copies."""
        before = self._seen[place]
        if before.status is None or status.uidnext <= before.status.uidnext:
            return {}
        mailbox, uidvalidity = self.tree.mailbox(place), before.uidvalidity
        marked = await self.client.deleted(mailbox, before.status.uidnext, uidvalidity=uidvalidity)
        new = [uid for uid in marked if uid not in before.mails]
        found = await self.client.copy_ids(mailbox, new, uidvalidity=uidvalidity)
        ours = {uid: copy_id for uid, copy_id in found.items() if copy_id}
        try:
            await self.client.store_flags(mailbox, ours, take=["\\Deleted"], uidvalidity=uidvalidity)
        except ImapRefused:
            return {}
        return ours
