"""The watcher of one desk's folder: one of all workers holds its lease, connects, and watches.

While the server is away, or does not let us in, tickets are not shown and nothing is lost: work waits in the
store.  One warning says so; tries are made ever more rarely, five minutes apart at last.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mailproc.desk.site import Site
from mailproc.failpoint import FailPoints
from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapDown, ImapRefused
from mailproc.imap.reconcile import PATIENT, Patience
from mailproc.imap.settings import ImapSettings
from mailproc.imap.tree import FolderNames, Tree
from mailproc.imap.waker import Waker
from mailproc.imap.watch import LeaseLost, Post, Watch
from mailproc.model.desk import Desk
from mailproc.model.folder import NEW, agents_place, places_of
from mailproc.store.protocol import Store, StoreError, Transaction

log = logging.getLogger("mailproc.imap")

T = TypeVar("T")

LEASE = 15.0  # seconds for which a worker that died keeps others out
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0  # seconds between tries to connect
_FOREVER = 3600.0
_LISTEN_ON = 4  # mailboxes, each on a connection, where the server has no NOTIFY


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How a desk's folder is reached and watched.  Times in seconds."""

    imap: ImapSettings
    names: FolderNames
    poll: float = 3.0
    full_pass: float = 60.0
    patience: Patience = PATIENT


class Watcher:
    """Runs until cancelled; ``wake`` says that a ticket of the desk may have changed."""

    def __init__(
        self,
        site: Site,
        desk: Desk,
        store: Store,
        settings: WatchSettings,
        *,
        clock: Callable[[], float],
        failpoints: FailPoints,
        holder: str,
        on_changed: Callable[[], None],
        on_taken_in: Callable[[], None],
    ) -> None:
        self._site = site
        self._desk = desk
        self._store = store
        self._settings = settings
        self._clock = clock
        self._failpoints = failpoints
        self._holder = holder
        self._on_changed = on_changed
        self._on_taken_in = on_taken_in
        self._lease = f"folder:{desk.name}"
        self._news = asyncio.Event()
        self._token = 0
        self._failing = False
        self._pause = FIRST_PAUSE

    def wake(self) -> None:
        """To be called in the watcher's event loop."""
        self._news.set()

    async def run(self) -> None:
        """Hold the lease whenever it is to be had, and watch while it is held."""
        while True:
            try:
                await self._hold()
            except LeaseLost:
                log.warning("desk=%s: another worker watches the folder", self._desk.name)
            except (ImapDown, ImapRefused, StoreError) as error:
                await self._wait_after(error)
            except Exception as error:
                log.exception("desk=%s: watching failed unforeseen", self._desk.name)
                await self._wait_after(error)

    async def _wait_after(self, error: Exception) -> None:
        if not self._failing:
            name = self._settings.imap.name
            log.warning('desk=%s imap=%s: the folder waits: "%s"', self._desk.name, name, error)
        self._failing = True
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _hold(self) -> None:
        """Watch under the lease; return when another worker has it."""
        token = await self._acquire()
        if token is None:
            await asyncio.sleep(LEASE / 2)
            return
        self._token = token
        try:
            await self._watch_while_held()
        finally:
            await self._release()

    async def _acquire(self) -> int | None:
        now = self._clock()
        if not await self._store.read(lambda tx: tx.leases.is_free(self._lease, self._holder, now)):
            return None
        return await self._store.write(
            lambda tx: tx.leases.acquire(self._lease, self._holder, now, now + LEASE)
        )

    async def _release(self) -> None:
        try:
            await self._store.write(lambda tx: tx.leases.release(self._lease, self._token))
        except StoreError as error:
            log.warning("store=%s", error)  # it ends by itself

    async def _watch_while_held(self) -> None:
        watching = asyncio.create_task(self._watch())
        renewing = asyncio.create_task(self._renew())
        try:
            await asyncio.wait((watching, renewing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (watching, renewing):
                task.cancel()
            results = await asyncio.gather(watching, renewing, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            await self._renew_once()

    async def _renew_once(self) -> None:
        until = self._clock() + LEASE
        if not await self._store.write(lambda tx: tx.leases.renew(self._lease, self._token, until)):
            raise LeaseLost

    async def _write(self, work: Callable[[Transaction], T]) -> T:
        """``store.write`` for who still holds the lease."""

        def fenced(tx: Transaction) -> T:
            if not tx.leases.holds(self._lease, self._token):
                raise LeaseLost
            return work(tx)

        return await self._store.write(fenced)

    async def _watch(self) -> None:
        client = ImapClient(self._settings.imap)
        try:
            await client.connect()
            tree = Tree(self._desk.folder, places_of(self._desk), self._settings.names, client.namespaces)
            watch = Watch(self._post(), client, tree)
            await watch.begin()
            await self._listen_and_watch(watch, tree)
        finally:
            client.abort()

    async def _listen_and_watch(self, watch: Watch, tree: Tree) -> None:
        places = [NEW, *map(agents_place, self._desk.agents)][:_LISTEN_ON]
        waker = Waker(
            self._settings.imap,
            tree.root,
            [tree.mailbox(place) for place in places],
            poll=self._settings.poll,
        )
        listening = asyncio.create_task(self._listen(waker))
        try:
            await watch.run()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await waker.close()

    async def _listen(self, waker: Waker) -> None:
        waker.start()
        while True:
            await waker.wait(_FOREVER)
            self._news.set()

    def _post(self) -> Post:
        return Post(
            site=self._site,
            desk=self._desk,
            store=self._store,
            write=self._write,
            clock=self._clock,
            failpoints=self._failpoints,
            full_pass=self._settings.full_pass,
            patience=self._settings.patience,
            news=self._news,
            on_changed=self._on_changed,
            on_taken_in=self._on_taken_in,
            on_look=self._looked,
        )

    def _looked(self) -> None:
        """The folder could be looked at: what was wrong is over."""
        if self._failing:
            log.info("desk=%s: the folder is watched again", self._desk.name)
        self._failing = False
        self._pause = FIRST_PAUSE
