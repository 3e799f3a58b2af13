"""Walks through all originals, wherever they lie: to verify them, or to take them back into the database."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable

from mailproc.store.originals import Original
from mailproc.store.protocol import BucketAway, Store, Transaction

AT_ONCE = 100  # looked up together; they are read one by one


async def verify_all(store: Store, complain: Callable[[bytes, str], None]) -> tuple[int, int]:
    """Read every original; how many are as they came, and how many are not, of which ``complain`` is told."""
    sound = wrong = 0
    async for original in _all(store, in_bucket=False):
        if why := await _trouble(store, original):
            wrong += 1
            complain(original.sha256, why)
        else:
            sound += 1
    return sound, wrong


async def _trouble(store: Store, original: Original) -> str:
    try:
        raw = await store.read(lambda tx: tx.deliveries.raw(original.sha256))
    except (BucketAway, ValueError) as error:
        return str(error)
    return "" if raw is not None and hashlib.sha256(raw).digest() == original.sha256 else "is not what it was"


async def fetch_all(store: Store) -> int:
    """Take what lies in the bucket back into the database; how many mails.  BucketAway where that fails."""
    fetched = 0
    async for original in _all(store, in_bucket=True):
        await store.write(lambda tx, original=original: _take_back(tx, original))  # type: ignore[misc]
        fetched += 1
    return fetched


def _take_back(tx: Transaction, original: Original) -> None:
    raw = tx.deliveries.raw(original.sha256)
    if raw is not None:
        tx.originals.take_back(original.sha256, raw)


async def _all(store: Store, *, in_bucket: bool) -> AsyncIterator[Original]:
    after = b""
    while some := await store.read(
        lambda tx, after=after: tx.originals.page(after, AT_ONCE, in_bucket=in_bucket)  # type: ignore[misc]
    ):
        for original in some:
            yield original
        after = some[-1].sha256
