"""What happens by itself when its time has come: snoozed tickets wake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from mailproc.desk.close import wake_due
from mailproc.store.protocol import Store, StoreError

log = logging.getLogger("mailproc.clock")

TICK = 15.0  # seconds


async def keep_time(store: Store, clock: Callable[[], float]) -> None:
    """Look every few seconds, until cancelled."""
    while True:
        try:
            await tick(store, clock())
        except StoreError as error:
            log.warning("store=%s", error)
        await asyncio.sleep(TICK)


async def tick(store: Store, now: float) -> int:
    """Do what is due at ``now``; return how much that was.  Nothing is written when nothing is due."""
    if not await store.read(lambda tx: tx.tickets.snoozed_until(now)):
        return 0
    woken = await store.write(lambda tx: wake_due(tx, now=now))
    log.info("woken=%d", woken)
    return woken
