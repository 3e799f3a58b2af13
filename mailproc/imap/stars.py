"""A star (\\Flagged) on what somebody works on, for clients that show stars: decoration, never read back."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass

from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapRefused
from mailproc.imap.tree import Tree
from mailproc.model.folder import Place, agent_of

log = logging.getLogger("mailproc.imap")

STAR = frozenset({"\\Flagged"})
NO_STAR: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stars:
    """Sets and takes them over one connection; does nothing where the site wants none."""

    client: ImapClient
    tree: Tree
    wanted: bool

    def flags(self, place: Place) -> frozenset[str]:
        """Of a mail that is put there."""
        return STAR if self.wanted and agent_of(place) else NO_STAR

    async def follow(self, place: Place, uids: Collection[int], *, uidvalidity: int | None = None) -> None:
        """These mails came to a place by a move."""
        if not self.wanted or not uids:
            return
        flags = self.flags(place)
        try:
            await self.client.store_flags(
                self.tree.mailbox(place), uids, add=flags, take=STAR - flags, uidvalidity=uidvalidity
            )
        except ImapRefused as refusal:
            log.debug("place=%s star: %s", place, refusal)
