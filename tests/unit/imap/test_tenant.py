"""Work at the IMAP server is done by who holds its lease; who lost it writes nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from mailproc.imap.tenant import Tenancy, Tenant
from mailproc.store.protocol import Store
from mailproc.store.sqlite import open_sqlite

NOW = 1_790_000_000.0
LEASE = "folder:support"


class Visitor(Tenant):
    """Takes a lease of its own in the store, as often as it is told to."""

    def __init__(self, store: Store) -> None:
        tenancy = Tenancy(LEASE, "1", "desk=support", "the folder", "imap.example.org")
        super().__init__(tenancy, store, lambda: NOW)
        self.began = asyncio.Event()
        self.ended = asyncio.Event()

    async def _serve(self) -> None:
        self.began.set()
        try:
            await self._news.wait()
            await self._store.write(lambda tx: tx.leases.acquire("mark", "1", NOW, NOW + 15))
        finally:
            self.ended.set()


async def test_who_lost_its_lease_writes_nothing(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "mailproc.db")
    visitor = Visitor(store)
    task = asyncio.create_task(visitor.run())
    await visitor.began.wait()
    assert visitor.state == "working"
    await store.write(lambda tx: tx.leases.acquire(LEASE, "2", NOW + 20, NOW + 35))
    visitor.wake()
    await visitor.ended.wait()
    assert await store.read(lambda tx: tx.leases.is_free("mark", "2", NOW))
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert visitor.state == "waiting"
    await store.close()
