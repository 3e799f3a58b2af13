"""Look after one agent's Drafts, where the agent opted in: one of all workers does, over one connection.

What is written there locks tickets softly, and drafts with standard answers are laid there and taken away
again (``model/draft.py``).  A mail that the agent wrote, or wrote in, is never touched.  A draft of ours is
written down before it is laid: after a crash, or an APPEND whose end nobody saw, it is looked for, and not
laid a second time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from mailproc.desk.canned import Canned
from mailproc.desk.drafting import heed, let_go, ticket_of_draft, verdicts
from mailproc.desk.laid import HEADER, draft_reply, is_still_wanted, note_laid
from mailproc.desk.site import Site
from mailproc.failpoint import FailPoints
from mailproc.imap.client import ImapClient
from mailproc.imap.drafts import DraftBox, Sheet, find_drafts
from mailproc.imap.failure import ImapRefused
from mailproc.imap.settings import ImapSettings
from mailproc.imap.tenant import Tenancy, Tenant
from mailproc.mime.reader import read
from mailproc.model.draft import Draft, LaidDraft, LaidState, newest, unchanged
from mailproc.store.protocol import Store, Transaction

log = logging.getLogger("mailproc.imap")

LEASE = 60.0  # seconds; nothing of this is urgent
GATHER = 1.0  # seconds between two looks at least


@dataclass(frozen=True, slots=True)
class DraftSettings:
    """How an agent's Drafts are reached, and what the agent wants.  Times in seconds.

    ``linger`` is how long a draft may be gone, as it is while a client saves it anew, before its lock ends.
    """

    imap: ImapSettings
    folder: str = ""  # "" is found out
    locks: bool = False
    lays: bool = False
    files: tuple[Canned, ...] = ()  # standard answers that lie in files
    poll: float = 3.0
    full_pass: float = 60.0
    linger: float = 30.0


@dataclass(frozen=True, slots=True)
class _Survey:
    """What the store says at one look."""

    laid: tuple[tuple[LaidDraft, bool], ...]  # and whether each is still wanted
    locked: frozenset[int]  # tickets to which a draft is known
    is_news: bool  # drafts mean something that is not done yet


class DraftWatcher(Tenant):
    """One agent's."""

    def __init__(
        self,
        site: Site,
        agent: str,
        store: Store,
        settings: DraftSettings,
        *,
        clock: Callable[[], float],
        failpoints: FailPoints,
        holder: str,
        on_changed: Callable[[], None],
    ) -> None:
        lease, subject = f"drafts:{agent}", f"agent={agent}"
        tenancy = Tenancy(lease, holder, subject, "the drafts' mailbox", settings.imap.name, LEASE)
        super().__init__(tenancy, store, clock)
        self._site = site
        self._agent = agent
        self._settings = settings
        self._failpoints = failpoints
        self._on_changed = on_changed
        self._drafts: dict[int, Draft] = {}
        self._missing: dict[int, float] = {}  # tickets whose draft is gone, and since when
        self._refused: set[int] = set()  # drafts of ours that the server does not let us take away
        self._next_full = 0.0

    async def _serve(self) -> None:
        client = ImapClient(self._settings.imap)
        try:
            await client.connect()
            job = partial(find_drafts, configured=self._settings.folder)
            box = DraftBox(client, await client.run(job))
            self._drafts, self._next_full = {}, 0.0
            while True:
                self._news.clear()
                await self._look(client, box)
                self._works()
                await self._rest()
        finally:
            client.abort()

    async def _rest(self) -> None:
        await asyncio.sleep(GATHER)
        try:
            async with asyncio.timeout(self._settings.poll):
                await self._news.wait()
        except TimeoutError:
            pass

    async def _look(self, client: ImapClient, box: DraftBox) -> None:
        now = self._clock()
        await self._refresh(box, full=now >= self._next_full)
        survey = await self._store.read(lambda tx: self._survey(tx, now))
        if self._settings.locks:
            await self._lock(survey, now)
        for laid, is_wanted in survey.laid if self._settings.lays else ():
            if is_wanted and laid.state is LaidState.WANTED:
                await self._lay(client, box, laid, now)
            elif laid.state is LaidState.LAYING:
                await self._find(box, laid, now)
            elif not is_wanted:
                await self._take_away(client, box, laid)

    # What lies there

    async def _refresh(self, box: DraftBox, *, full: bool) -> None:
        new = await box.refresh(full=full)
        if full:
            self._next_full = self._clock() + self._settings.full_pass
        fresh = [box.sheets[uid] for uid in sorted(new)]
        read_now = await self._store.read(lambda tx: self._read(tx, fresh)) if fresh else {}
        self._drafts = {uid: draft for uid, draft in self._drafts.items() if uid in box.sheets} | read_now

    def _read(self, tx: Transaction, sheets: Sequence[Sheet]) -> dict[int, Draft]:
        return {
            sheet.uid: Draft(
                sheet.uid,
                sheet.size,
                sheet.saved,
                ticket_of_draft(tx, self._site, self._agent, sheet.header),
                self._site.keyring.read_draft_id(read(sheet.header).header(HEADER)),
            )
            for sheet in sheets
        }

    def _saved(self, laid: Sequence[LaidDraft]) -> dict[int, float]:
        return newest(self._drafts.values(), laid)

    def _survey(self, tx: Transaction, now: float) -> _Survey:
        laid = tx.drafts.laid(self._agent)
        return _Survey(
            tuple((each, is_still_wanted(tx, each)) for each in laid),
            frozenset(tx.drafts.written(self._agent)),
            bool(verdicts(tx, self._site, self._agent, self._saved(laid), now)),
        )

    # Soft locks

    async def _lock(self, survey: _Survey, now: float) -> None:
        saved = self._saved([laid for laid, _ in survey.laid])
        if survey.is_news:
            await self._store.write(lambda tx: heed(tx, self._site, self._agent, saved, now))
            self._on_changed()
        self._missing = {each: self._missing.get(each, now) for each in survey.locked - saved.keys()}
        gone = [each for each, since in self._missing.items() if now - since >= self._settings.linger]
        if gone:
            await self._store.write(lambda tx: let_go(tx, self._agent, gone, now))
            self._on_changed()

    # Drafts of ours

    async def _lay(self, client: ImapClient, box: DraftBox, laid: LaidDraft, now: float) -> None:
        """Append a draft, where there is something to say and the agent has not begun one."""
        raw = None
        if laid.ticket not in self._saved([laid]):
            raw = await self._store.read(
                lambda tx: draft_reply(tx, self._site, laid, self._settings.files, now)
            )
        state = LaidState.OVER if raw is None else LaidState.LAYING
        await self._advance(laid, LaidState.WANTED, state)
        if raw is None:
            return
        self._failpoints.reach("draft.laying")
        try:
            await client.append(box.mailbox, raw, now, ("\\Draft",))
        except ImapRefused as refusal:
            log.warning('agent=%s: a draft could not be laid: "%s"', self._agent, refusal)
        self._failpoints.reach("draft.appended")
        await self._refresh(box, full=False)
        await self._find(box, laid, now)

    async def _find(self, box: DraftBox, laid: LaidDraft, now: float) -> None:
        """Write down where it lies; where it is not there it is not laid again."""
        found = [draft for draft in self._drafts.values() if draft.laid == laid.id]
        if not found:
            await self._advance(laid, LaidState.LAYING, LaidState.OVER)
            return
        draft = min(found, key=lambda each: each.uid)

        def work(tx: Transaction) -> None:
            tx.drafts.place(laid.id, uidvalidity=box.uidvalidity, uid=draft.uid, size=draft.size)
            note_laid(tx, laid, now)

        await self._store.write(work)

    async def _take_away(self, client: ImapClient, box: DraftBox, laid: LaidDraft) -> None:
        """The ticket is answered, or somebody else's: our draft goes, if nobody wrote in it."""
        if laid.id in self._refused:
            return
        draft = unchanged(laid, self._drafts.values(), box.uidvalidity)
        if draft is not None:
            try:
                await client.remove(box.mailbox, [draft.uid], uidvalidity=box.uidvalidity)
            except ImapRefused as refusal:
                self._refused.add(laid.id)
                log.warning('agent=%s: a draft stays: "%s"', self._agent, refusal)
                return
        await self._advance(laid, laid.state, LaidState.OVER)

    async def _advance(self, laid: LaidDraft, before: LaidState, state: LaidState) -> None:
        await self._store.write(lambda tx: tx.drafts.advance([laid.id], before, state))
