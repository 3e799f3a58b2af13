"""What happens by itself when its time has come: snoozed tickets wake, held answers are reminded of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from mailproc.desk.close import wake_due
from mailproc.desk.held import REMIND_AFTER, remind_due
from mailproc.desk.site import Site
from mailproc.store.protocol import Store, StoreError, Transaction

log = logging.getLogger("mailproc.clock")

TICK = 15.0  # seconds


async def keep_time(store: Store, site: Site, clock: Callable[[], float]) -> None:
    """Look every few seconds, until cancelled."""
    while True:
        try:
            await tick(store, site, clock())
        except StoreError as error:
            log.warning("store=%s", error)
        await asyncio.sleep(TICK)


async def tick(store: Store, site: Site, now: float) -> int:
    """Do what is due at ``now``; return how much that was.  Nothing is written when nothing is due."""
    if not await store.read(lambda tx: _is_anything_due(tx, now)):
        return 0
    return await store.write(lambda tx: _do_due(tx, site, now))


def _is_anything_due(tx: Transaction, now: float) -> bool:
    return bool(tx.tickets.snoozed_until(now) or tx.holds.told_before(now - REMIND_AFTER, 1))


def _do_due(tx: Transaction, site: Site, now: float) -> int:
    woken, reminded = wake_due(tx, now=now), remind_due(tx, site, now)
    log.info("woken=%d reminded=%d", woken, reminded)
    return woken + reminded
