"""Watch one desk's folder over one connection: look, let agents' moves take effect, make the folder right.

A look compares all that the folder holds with what was recorded, and takes up the tickets that have changed
in the store; both are level-triggered, so a look that fails is made again and misses nothing.  It happens
when the server says that something changed, when a ticket changed, by whatever process, and in full every
``full_pass`` seconds, or more rarely where nothing has happened for a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mailproc.desk.canned import keep_canned
from mailproc.desk.site import Site
from mailproc.desk.turn import TurnOver
from mailproc.failpoint import FailPoints
from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapRefused
from mailproc.imap.inherited import Inherited
from mailproc.imap.publish import Outcome, Publisher
from mailproc.imap.reconcile import Patience, Plan, Sight, is_settled
from mailproc.imap.round import Decision, Rounds, View
from mailproc.imap.sightings import Sightings
from mailproc.imap.snapshot import Snapshot
from mailproc.imap.stars import Stars
from mailproc.imap.strangers import Strangers
from mailproc.imap.tree import Tree
from mailproc.imap.waker import RARER
from mailproc.model.desk import Desk
from mailproc.model.folder import CANNED, Place
from mailproc.store.folders import CopyRecord, FolderWork
from mailproc.store.protocol import BucketAway, Store, StoreError, Transaction

log = logging.getLogger("mailproc.imap")

POLL_STORE = 5.0  # seconds between looks for tickets whose time has come
GATHER = 0.03  # seconds in which news that come together are one look
RETRY = 1.0  # seconds until what the server did not confirm is looked at again
FIRST_DELAY, LONGEST_DELAY = 5.0, 300.0  # seconds, of a ticket that the server refuses
AT_REST = 600.0  # seconds without events in a folder, from which on looks in full are RARER times rarer
_TICKETS = 200  # of one look …
_AT_ONCE = 20  # … and of one transaction
_MASS = 20  # missing copies from which on nobody is told of each
_CANNED = 500  # standard answers that are read


@dataclass(slots=True)
class News:
    """What the watcher is woken by."""

    event: asyncio.Event
    is_of_folder: bool = False  # else only a ticket may have changed

    def tell_of_folder(self) -> None:
        self.is_of_folder = True
        self.event.set()

    def clear(self) -> None:
        self.is_of_folder = False
        self.event.clear()


@dataclass(frozen=True)
class Post:
    """What a watcher of one desk needs, whatever the connection; writes to ``store`` prove the lease."""

    site: Site
    desk: Desk
    store: Store
    clock: Callable[[], float]
    failpoints: FailPoints
    full_pass: float
    patience: Patience
    stars: bool
    news: News
    on_changed: Callable[[], None]
    on_taken_in: Callable[[], None]
    on_look: Callable[[], None]  # a look at the folder came to its end


class Watch:
    """One connected period; ``run`` ends by raising only: ImapDown, StoreError, TurnOver."""

    def __init__(self, post: Post, client: ImapClient, tree: Tree) -> None:
        self._post = post
        self._client = client
        self._tree = tree
        self._snapshot = Snapshot(client, tree)
        self._sightings = Sightings(post.site.keyring)
        self._rounds = Rounds(post.site, post.desk)
        self._records: dict[str, CopyRecord] = {}
        self._inherited = Inherited()
        self._loop_time = asyncio.get_running_loop().time  # which nobody sets, unlike the clock
        self._restless: dict[str, float] = {}  # copies that are not as recorded: when to look at them
        self._first_seen: dict[tuple[str, Sight], float] = {}
        self._refusals: dict[int, int] = {}  # of tickets, on end
        self._alarms: dict[Place, str] = {}
        self._hidden: frozenset[Place] = frozenset()  # places that we can neither see nor make
        self._renewed: set[Place] = set()  # places that were made anew and lost what was in them
        self._strangers_due: float | None = None
        self._next_full = 0.0
        self._stirred = post.clock()  # when something happened last
        common = (post.site, post.desk, post.store, client, tree, post.failpoints, self._snapshot.uidvalidity)
        self._stars = Stars(client, tree, post.stars)
        self._publisher = Publisher(*common, self._record, self._stars)
        self._strangers = Strangers(*common, post.on_taken_in)

    async def begin(self) -> None:
        """Make what is missing of the folder; once, before ``run``."""
        await self._ensure()

    async def run(self) -> None:
        """Look, for ever."""
        desk = self._post.desk.name
        self._records = await self._post.store.read(lambda tx: tx.folders.records(desk))
        self._inherited = Inherited(self._records.values(), self._loop_time())
        while True:
            self._post.news.clear()
            is_more = await self.look()
            self._post.on_look()
            if not is_more:
                await self._pause()

    def forget(self) -> None:
        """Let go of every copy, at the end: tracebacks of that end and tasks hold each other, and all this
        would stay until the collector looks at what is old, which is next to never."""
        for known in (self._records, self._restless, self._first_seen):
            known.clear()
        self._sightings.forget()
        self._snapshot.forget()

    async def look(self) -> bool:
        """Look once; whether there is more to do at once."""
        await self._refresh()
        now = self._post.clock()
        work = await self._post.store.read(lambda tx: tx.folders.due(self._post.desk.name, now, _TICKETS))
        tickets, unknown = await self._post.store.read(lambda tx: self._tickets(tx, work, now))
        if tickets:
            self._stirred = now
        view = self._view(now)
        for start in range(0, len(tickets), _AT_ONCE):
            await self._take_care(dict(list(tickets.items())[start : start + _AT_ONCE]), view)
        for name in unknown:
            self._restless.pop(name, None)
            await self._strangers.expose(
                self._sightings.seen.get(name, ()), "a copy of a mail that is not here"
            )
        self._strangers_due = await self._strangers.deal_with(self._sightings.strangers, now)
        return len(tickets) >= _TICKETS

    # What the folder holds

    async def _refresh(self) -> None:
        """See what changed."""
        now = self._post.clock()
        full = now >= self._next_full
        if full:
            await self._ensure()
        validity = {place: self._snapshot.uidvalidity(place) for place in self._tree.places}
        changed = await self._snapshot.refresh(full=full)
        if self._snapshot.missing:
            await self._ensure()
        touched: set[str] = set()
        if changed and not full:
            self._stirred = now
        for place in changed:
            touched |= self._sightings.update(place, self._snapshot.mails(place))
            if validity[place] not in (0, self._snapshot.uidvalidity(place)):
                self._renewed.add(place)
        if full:
            is_at_rest = now - self._stirred > AT_REST
            self._next_full = now + self._post.full_pass * (RARER if is_at_rest else 1)
            touched |= self._records.keys() | self._sightings.seen.keys()
        self._settle(touched, now)
        await self._forgive(now)
        self._note_unreadable()
        if CANNED in changed:
            await self._read_canned()

    async def _ensure(self) -> None:
        try:
            self._renewed |= set(await self._tree.ensure(self._client))
        except ImapRefused as refusal:
            self._hidden = self._snapshot.missing
            self._alarm(Place(""), refusal)
        else:
            self._hidden = frozenset()
            self._alarms.pop(Place(""), None)

    async def _forgive(self, now: float) -> None:
        """What went with a mailbox that was made anew was deleted by nobody: put it again at once."""
        seen, renewed = self._sightings.seen, self._renewed - self._hidden
        gone = [
            CopyRecord(record.name)
            for record in (self._records.values() if renewed else ())
            if record.place in renewed and record.name not in seen
        ]
        self._renewed.clear()
        if gone:
            await self._post.store.write(lambda tx: tx.folders.record(self._post.desk.name, gone))
            self._records |= {record.name: record for record in gone}
            self._settle([record.name for record in gone], now)

    def _settle(self, names: Iterable[str], due: float) -> None:
        """Note which of these copies are not where they were recorded."""
        for name in names:
            record = self._records.get(name) or CopyRecord(name)
            if is_settled(record, self._sightings.seen.get(name, ())):
                self._restless.pop(name, None)
            else:
                self._restless[name] = due

    def _note_unreadable(self) -> None:
        for place, refusal in self._snapshot.unreadable.items():
            self._alarm(place, refusal)

    def _tickets(
        self, tx: Transaction, work: Sequence[FolderWork], now: float
    ) -> tuple[dict[int, list[FolderWork]], list[str]]:
        """Which tickets to look at, with the work that is done by it; and copies of no ticket."""
        desk = self._post.desk.name
        tickets: dict[int, list[FolderWork]] = {}
        unknown = []
        for each in work:
            tickets.setdefault(tx.folders.root(desk, each.ticket), []).append(each)
        for name in [name for name, due in self._restless.items() if due <= now][: 4 * _TICKETS]:
            if self._records.get(name, CopyRecord(name)).place in self._hidden:
                self._restless[name] = now + FIRST_DELAY
                continue
            ticket = tx.folders.family_of(desk, name)
            if ticket is None:
                unknown.append(name)
            elif len(tickets) < 2 * _TICKETS:
                tickets.setdefault(ticket, [])
        return tickets, unknown

    def _view(self, now: float) -> View:
        seen = self._sightings.certain(self._snapshot.unreadable)
        missing = sum(name not in seen and name in self._records for name in self._restless)
        known = (seen, self._records, now, self._first_seen, self._inherited.aims(self._loop_time()))
        return View(*known, missing > _MASS, self._post.patience)

    # What is to be done

    async def _take_care(self, tickets: Mapping[int, list[FolderWork]], view: View) -> None:
        decisions = await self._decide(list(tickets), view)
        self._post.failpoints.reach("folder.decided")
        for decision in decisions:
            self._remember(decision, view.now)
        self._post.on_changed()
        repairs = [repair for decision in decisions for repair in decision.plan.repairs]
        outcome = await self._publisher.carry_out(repairs) if repairs else Outcome()
        await self._set_stars(decisions, view)
        self._raise_alarms(outcome)
        await self._finish(tickets, decisions, outcome)

    async def _set_stars(self, decisions: Iterable[Decision], view: View) -> None:
        """Of copies that agents moved, and that lie where they belong by that."""
        moved: dict[Place, dict[int, str]] = {}
        for name, place in [move for decision in decisions for move in decision.moved]:
            copies = {sight.uid: name for sight in view.seen.get(name, ()) if sight.place == place}
            moved.setdefault(place, {}).update(copies)
        for place, copies in moved.items():
            await self._stars.follow(place, copies, uidvalidity=self._snapshot.uidvalidity(place))

    async def _decide(self, tickets: Sequence[int], view: View) -> list[Decision]:
        """All in one transaction; one by one where a ticket makes trouble, which is left for later."""
        try:
            return await self._post.store.write(
                lambda tx: [self._rounds.decide(tx, each, view) for each in tickets]
            )
        except Exception as error:
            if isinstance(error, (StoreError, TurnOver)) and not isinstance(error, BucketAway):
                raise
            if len(tickets) > 1:
                return [each for ticket in tickets for each in await self._decide([ticket], view)]
            (ticket,) = tickets
            log.exception("desk=%s ticket row %d cannot be shown", self._post.desk.name, ticket)
            names = await self._post.store.read(lambda tx: tx.folders.names_of(ticket))
            return [Decision(ticket, ticket, Plan(), tuple(names), is_failed=True)]

    def _remember(self, decision: Decision, now: float) -> None:
        """Keep what was decided, as it was written down."""
        for record in decision.records:
            self._records[record.name] = record
        for name in decision.forgotten:
            self._records.pop(name, None)
        for key in [key for key in self._first_seen if key[0] in decision.names]:
            if key not in decision.undecided:
                del self._first_seen[key]
        for key in decision.undecided:
            self._first_seen.setdefault(key, now)
        if decision.undecided and decision.look_again and not self._client.offers("CONDSTORE"):
            self._next_full = min(self._next_full, decision.look_again)  # a mark of \Deleted decides it
        due = now + RETRY if decision.look_again is None else decision.look_again
        self._settle(decision.names, due)

    async def _finish(
        self, tickets: Mapping[int, list[FolderWork]], decisions: Sequence[Decision], outcome: Outcome
    ) -> None:
        """Work that is done is done; what the server refused waits, ever longer."""
        now = self._post.clock()
        clean: list[FolderWork] = []
        late: list[tuple[FolderWork, float]] = []
        for decision in decisions:
            work = tickets.get(decision.asked, [])
            names = {repair.name for repair in decision.plan.repairs}
            if decision.is_failed or names & outcome.to_try_later:
                due = self._delay(decision, now)
                late += [(each, due) for each in work]
            elif names <= outcome.confirmed:
                self._refusals.pop(decision.ticket, None)
                clean += work
        if clean or late:
            await self._post.store.write(lambda tx: self._write_down(tx, clean, late))

    def _write_down(
        self, tx: Transaction, clean: Sequence[FolderWork], late: Sequence[tuple[FolderWork, float]]
    ) -> None:
        for work in clean:
            tx.folders.mark_clean(self._post.desk.name, work)
        for work, due in late:
            tx.folders.postpone(self._post.desk.name, work, due)

    def _delay(self, decision: Decision, now: float) -> float:
        """When to look again at a ticket that cannot be made right now."""
        times = self._refusals.get(decision.ticket, 0)
        self._refusals[decision.ticket] = times + 1
        due = now + min(FIRST_DELAY * 2.0 ** min(times, 10), LONGEST_DELAY)
        self._settle(decision.names, due)
        return due

    async def _record(self, records: Sequence[CopyRecord]) -> None:
        """The server confirmed that these copies are there."""
        desk = self._post.desk.name
        await self._post.store.write(lambda tx: tx.folders.record(desk, records))
        self._records |= {record.name: record for record in records}
        self._settle([record.name for record in records], self._post.clock() + RETRY)

    # Standard answers

    async def _read_canned(self) -> None:
        """The agents' own mails in Canned are the desk's standard answers."""
        mailbox, validity = self._tree.mailbox(CANNED), self._snapshot.uidvalidity(CANNED)
        uids = [sight.uid for sight in self._sightings.strangers if sight.place == CANNED]
        fetched = [await self._client.fetch(mailbox, uid, uidvalidity=validity) for uid in uids[:_CANNED]]
        raws = [stored.raw for stored in fetched if stored is not None]
        desk, now = self._post.desk.name, self._post.clock()
        for mistake in await self._post.store.write(lambda tx: keep_canned(tx, desk, raws, now)):
            log.warning("desk=%s canned: %s", desk, mistake)

    # When to look

    async def _pause(self) -> None:
        """Until there are news, or it is time."""
        while not (await self._news_within(max(0.0, min(self._next(), POLL_STORE))) or self._next() <= 0):
            self._post.news.event.clear()
            if await self._is_work_due():
                break
        await asyncio.sleep(GATHER)

    async def _is_work_due(self) -> bool:
        now = self._post.clock()
        return bool(await self._post.store.read(lambda tx: tx.folders.due(self._post.desk.name, now, 1)))

    async def _news_within(self, seconds: float) -> bool:
        """Of the folder; False also where those of tickets come before."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._post.news.event.wait()
        return self._post.news.is_of_folder

    def _next(self) -> float:
        """Seconds until something is due."""
        due = [self._next_full, *self._restless.values()]
        if self._strangers_due is not None:
            due.append(self._strangers_due)
        return min(due) - self._post.clock()

    # Alarms

    def _raise_alarms(self, outcome: Outcome) -> None:
        for place in outcome.served - outcome.refusals.keys():
            if self._alarms.pop(place, None):
                log.info("desk=%s place=%s takes mail again", self._post.desk.name, place)
        for place, refusal in outcome.refusals.items():
            self._alarm(place, refusal)

    def _alarm(self, place: Place, refusal: ImapRefused) -> None:
        """Once for each place and reason, until it is over."""
        if self._alarms.get(place) != refusal.code:
            self._alarms[place] = refusal.code
            log.error('desk=%s place=%s refused="%s": it waits', self._post.desk.name, place or "-", refusal)
