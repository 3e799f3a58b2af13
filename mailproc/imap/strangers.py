"""Mails in a desk's folder that are no copies of ours.

One without X-Mailproc-Id was put there by an agent: it becomes a mail of its author as if he had written to
the desk, and is taken away when that is stored and filed; in an agent's folder, or in Closed, it is also the
gesture that it would be for a ticket.  One that pretends to be a copy goes to Problem, where people look at
it and delete it.  So do those that no ticket can be made of.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mailproc.desk.gesture import Gesture, perform
from mailproc.desk.site import Site
from mailproc.desk.take_in import DraggedIn, NoMail, take_from_folder
from mailproc.failpoint import FailPoints
from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapRefused
from mailproc.imap.reconcile import Sight
from mailproc.imap.tree import Tree
from mailproc.mime.reader import Mail, read
from mailproc.mime.surgery import normalise_newlines
from mailproc.model.desk import Desk
from mailproc.model.folder import CANNED, NEW, PROBLEM, Place, meaning_of
from mailproc.store.protocol import Store, Transaction

log = logging.getLogger("mailproc.imap")

SOON = 0.5  # seconds until a mail that was taken in may be through its chain
_AT_ONCE = 20  # in one look at the folder
_WEEK = 7 * 86_400.0


@dataclass(slots=True)
class Strangers:
    """Deals with them over one connection; remembers those that are left where they are."""

    site: Site
    desk: Desk
    store: Store
    client: ImapClient
    tree: Tree
    failpoints: FailPoints
    validity: Callable[[Place], int]
    on_taken_in: Callable[[], None]
    _left: set[Sight] = field(default_factory=set)

    async def deal_with(self, strangers: Mapping[Sight, str], now: float) -> float | None:
        """Look at each of them; when to look again, or None.  The value is what its X-Mailproc-Id says."""
        self._left &= strangers.keys()
        new = [sight for sight in sorted(strangers) if sight not in self._left and sight.place != CANNED]
        waits = False
        for sight in new[:_AT_ONCE]:
            try:
                waits |= await self._deal_with(sight, strangers[sight], now)
            except ImapRefused as refusal:
                log.warning("desk=%s place=%s stranger=%s: %s", self.desk.name, *_words(sight), refusal)
                self._left.add(sight)
        return now + SOON if waits or len(new) > _AT_ONCE else None

    async def expose(self, sights: Iterable[Sight], why: str) -> None:
        """Move what pretends to be a copy of ours to Problem; what is there stays."""
        for sight in sights:
            self._left.add(sight)
            if sight.place == PROBLEM:
                continue
            log.error("desk=%s place=%s uid=%s: %s, moved to Problem", self.desk.name, *_words(sight), why)
            try:
                await self.client.move(
                    self.tree.mailbox(sight.place),
                    [sight.uid],
                    self.tree.mailbox(PROBLEM),
                    uidvalidity=self.validity(sight.place),
                )
            except ImapRefused as refusal:
                log.warning("desk=%s place=%s stranger=%s: %s", self.desk.name, *_words(sight), refusal)

    async def _deal_with(self, sight: Sight, header: str, now: float) -> bool:
        """Whether it has to be looked at again soon."""
        if header:
            await self.expose([sight], "a mail with a false X-Mailproc-Id")
            return False
        stored = await self.client.fetch(
            self.tree.mailbox(sight.place), sight.uid, uidvalidity=self.validity(sight.place)
        )
        if stored is None:
            return False
        mail = read(normalise_newlines(stored.raw))
        known, is_ours = await self.store.read(lambda tx: self._recognise(tx, mail, now))
        if known:
            await self._remove(sight)  # a client's own copy of what was sent through us
        elif is_ours:
            await self.expose([sight], "an agent's answer that did not come through mailproc")
        else:
            return await self._take_in(sight, mail.raw, now)
        return False

    def _recognise(self, tx: Transaction, mail: Mail, now: float) -> tuple[bool, bool]:
        """Was it handed in by an agent; and if not, is it an agent's answer to a mail of ours?"""
        ids = [mail.message_id] if mail.message_id else []
        known = any(
            tx.submissions.with_message_id(agent, message_id, now - _WEEK) is not None
            for agent in self.desk.agents
            for message_id in ids
        )
        author = mail.author.address.key if mail.author else ""
        is_from_us = author in self.site.own_addresses | self.site.agent_addresses
        answers = (*mail.in_reply_to, *mail.references)
        return known, is_from_us and any(tx.tickets.message_by_id(self.desk.name, each) for each in answers)

    async def _take_in(self, sight: Sight, raw: bytes, now: float) -> bool:
        try:
            found = await take_from_folder(self.store, self.desk, raw, now)
        except NoMail as reason:
            await self.expose([sight], f"no mail: {reason}")
            return False
        if not found.is_filed:
            self.on_taken_in()
            return True
        if found.ticket is None:
            await self.expose([sight], "the desk's rules give this mail no number")
            return False
        await self._finish(sight, found, now)
        return False

    async def _finish(self, sight: Sight, found: DraggedIn, now: float) -> None:
        """Its ticket is there: let the place count as a gesture, and take the mail away."""
        if sight.place not in (NEW, PROBLEM) and meaning_of(sight.place) is not None:
            await self.store.write(lambda tx: self._perform(tx, sight, found.ticket, now))
        self.failpoints.reach("folder.taken_in")
        await self._remove(sight)

    def _perform(self, tx: Transaction, sight: Sight, row: int | None, now: float) -> None:
        ticket = tx.tickets.get(tx.folders.root(self.desk.name, row)) if row is not None else None
        shown = tx.folders.shown(self.desk.name, ticket.id) if ticket else None
        if ticket is None or shown is None or shown.place == sight.place:
            return
        mark = f"{self.desk.name}:foreign:{sight.place}:{sight.uid}"
        perform(tx, self.site, self.desk, ticket, Gesture(shown.place, sight.place, mark), now)

    async def _remove(self, sight: Sight) -> None:
        await self.client.remove(
            self.tree.mailbox(sight.place), [sight.uid], uidvalidity=self.validity(sight.place)
        )


def _words(sight: Sight) -> tuple[str, int]:
    return sight.place, sight.uid
