"""A store some of whose mails lie in a bucket: to whoever reads them it is as if they lay in the database.

Work is synchronous, and on SQLite it runs on the event loop, so it cannot wait for a network.  Where it asks
for a mail in the bucket, its transaction is undone, the mail is fetched, and the work runs again with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from mailproc.store.bucket import Bucket
from mailproc.store.connection import MailElsewhere
from mailproc.store.job import Work
from mailproc.store.originals import Original
from mailproc.store.protocol import Store
from mailproc.store.transaction import Transaction

T = TypeVar("T")


class ArchivedStore:
    """``store`` with what lies in ``bucket``; work that needs it fails with BucketAway while it is away."""

    def __init__(self, store: Store, bucket: Bucket) -> None:
        self._store = store
        self._bucket = bucket

    async def read(self, work: Work[T]) -> T:
        return await self._run(self._store.read, work)

    async def write(self, work: Work[T]) -> T:
        return await self._run(self._store.write, work)

    async def write_beside(self, work: Work[T]) -> T:
        return await self._run(self._store.write_beside, work)

    async def listen(self, wake: Callable[[], None]) -> None:
        await self._store.listen(wake)

    async def close(self) -> None:
        await self._store.close()

    async def _run(self, run: Callable[[Work[T]], Awaitable[T]], work: Work[T]) -> T:
        try:
            return await run(work)
        except MailElsewhere as missing:
            return await self._run_with(run, work, missing)

    async def _run_with(
        self, run: Callable[[Work[T]], Awaitable[T]], work: Work[T], missing: MailElsewhere
    ) -> T:
        """Each time one mail more than before, until nothing is missing."""
        mails: dict[bytes, bytes] = {}

        def supplied(tx: Transaction) -> T:
            return work(tx.supplied(mails))

        while True:
            mails[missing.sha256] = await self._bucket.fetch(Original(missing.sha256, missing.size))
            try:
                return await run(supplied)
            except MailElsewhere as another:
                missing = another
