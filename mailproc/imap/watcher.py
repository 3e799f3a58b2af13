"""The watcher of one desk's folder: one of all workers holds its lease, connects, and watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from mailproc.desk.site import Site
from mailproc.failpoint import FailPoints
from mailproc.imap.client import ImapClient
from mailproc.imap.reconcile import PATIENT, Patience
from mailproc.imap.settings import ImapSettings
from mailproc.imap.tenant import Tenancy, Tenant
from mailproc.imap.tree import FolderNames, Tree
from mailproc.imap.waker import Waker
from mailproc.imap.watch import News, Post, Watch
from mailproc.model.desk import Desk
from mailproc.model.folder import NEW, agents_place, places_of
from mailproc.store.protocol import Store

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
    stars: bool = False


class Watcher(Tenant):
    """``wake`` says that a ticket of the desk may have changed."""

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
        tenancy = Tenancy(
            f"folder:{desk.name}", holder, f"desk={desk.name}", "the folder", settings.imap.name
        )
        super().__init__(tenancy, store, clock)
        self._told = News(self._news)
        self._site = site
        self._desk = desk
        self._settings = settings
        self._failpoints = failpoints
        self._on_changed = on_changed
        self._on_taken_in = on_taken_in

    async def _serve(self) -> None:
        client = ImapClient(self._settings.imap)
        try:
            await client.connect()
            tree = Tree(self._desk.folder, places_of(self._desk), self._settings.names, client.namespaces)
            watch = Watch(self._post(), client, tree)
            try:
                await watch.begin()
                await self._listen_and_watch(watch, tree)
            finally:
                watch.forget()
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
            self._told.tell_of_folder()

    def _post(self) -> Post:
        return Post(
            site=self._site,
            desk=self._desk,
            store=self._store,
            clock=self._clock,
            failpoints=self._failpoints,
            full_pass=self._settings.full_pass,
            patience=self._settings.patience,
            stars=self._settings.stars,
            news=self._told,
            on_changed=self._on_changed,
            on_taken_in=self._on_taken_in,
            on_look=self._works,
        )
