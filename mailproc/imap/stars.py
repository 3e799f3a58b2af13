"""Stars (\\Flagged): on what was laid on top again, as long as somebody is to do something about it.

Where the site wants it also on what somebody works on, for clients that show stars.  Decoration, never read
back: whoever takes one off has taken it off.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapRefused
from mailproc.imap.tree import Tree
from mailproc.model.folder import NEW, Place, agent_of
from mailproc.store.folders import is_laid

log = logging.getLogger("mailproc.imap")

STAR = frozenset({"\\Flagged"})
NO_STAR: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stars:
    """Sets and takes them over one connection; without ``wanted`` only those of what was laid again."""

    client: ImapClient
    tree: Tree
    wanted: bool

    def flags(self, place: Place) -> frozenset[str]:
        """Of a mail that is put there."""
        return STAR if self.wanted and agent_of(place) else NO_STAR

    async def follow(
        self, place: Place, copies: Mapping[int, str], *, uidvalidity: int | None = None
    ) -> None:
        """These came to a place by a move: names of copies, by UID."""
        flags = self.flags(place)
        uids = [uid for uid, name in copies.items() if self.wanted or (is_laid(name) and _rests(place))]
        if not uids:
            return
        try:
            await self.client.store_flags(
                self.tree.mailbox(place), uids, add=flags, take=STAR - flags, uidvalidity=uidvalidity
            )
        except ImapRefused as refusal:
            log.debug("place=%s star: %s", place, refusal)


def _rests(place: Place) -> bool:
    """Nobody is to do anything about what lies there."""
    return place != NEW and not agent_of(place)
