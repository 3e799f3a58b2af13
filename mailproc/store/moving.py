"""Move originals into the bucket, in the background: intake and the chain never wait for it.

Each is put, read back and compared with its digest; only then does the database let it go.  Whatever fails in
between leaves it in the database, to be put again: the same octets have the same name.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable

from mailproc.failpoint import NO_FAILPOINTS, FailPoints
from mailproc.store.bucket import Bucket
from mailproc.store.originals import MovingRule, Original
from mailproc.store.place import Place
from mailproc.store.protocol import BucketAway, Store, StoreError, Transaction

log = logging.getLogger("mailproc.bucket")

AT_ONCE = 50  # between two looks at what may go
REST = 1.0  # times as long as one took, before the next one
LONGEST_PAUSE = 600.0  # seconds, while the bucket is away


class Mover:
    """From ``place`` the store is read in a thread: what may go is not found at once."""

    def __init__(
        self,
        bucket: Bucket,
        rule: MovingRule,
        clock: Callable[[], float],
        failpoints: FailPoints = NO_FAILPOINTS,
    ) -> None:
        self._bucket = bucket
        self._rule = rule
        self._clock = clock
        self._failpoints = failpoints
        self._damaged: set[bytes] = set()  # in the database; they stay there

    async def keep_moving(self, store: Store, place: Place, pause: float) -> None:
        """Look every ``pause`` seconds, until cancelled; longer while the bucket is away."""
        wait = pause
        while True:
            try:
                while await self.move_some(store, place):
                    pass
                wait = pause
            except BucketAway as error:
                log.warning('moved=0 bucket="%s"', error)
                wait = min(2 * wait, max(pause, LONGEST_PAUSE))
            except StoreError as error:
                log.warning("store=%s", error)
            await asyncio.sleep(wait)

    async def move_some(self, store: Store, place: Place) -> int:
        """Move what may go now, up to ``AT_ONCE`` mails; how many were."""
        most, now = AT_ONCE + len(self._damaged), self._clock()
        found = await asyncio.to_thread(
            place.read_once, lambda tx: tx.originals.to_move(self._rule, now, most)
        )
        moved = 0
        for original in found:
            if original.sha256 not in self._damaged:
                began = time.monotonic()
                moved += await self._move(store, original)
                await asyncio.sleep(REST * (time.monotonic() - began))
        if moved:
            log.info("moved=%d", moved)
        return moved

    async def _move(self, store: Store, original: Original) -> bool:
        raw = await store.read(lambda tx: _octets(tx, original))
        if raw is None:
            return False
        if (await asyncio.to_thread(hashlib.sha256, raw)).digest() != original.sha256:
            log.error("mail=%s: damaged in the database, and stays there", original.sha256.hex())
            self._damaged.add(original.sha256)
            return False
        await self._bucket.put(original, raw)
        del raw
        await self._bucket.verify(original)
        self._failpoints.reach("bucket.put")
        await store.write(lambda tx: tx.originals.let_go(original.sha256))
        self._failpoints.reach("bucket.let_go")
        return True


def _octets(tx: Transaction, original: Original) -> bytes | None:
    """As they lie in the database, b"" for what is no mail any more; None where another has moved it."""
    try:
        return tx.deliveries.raw_here(original.sha256)
    except ValueError:
        return b""
