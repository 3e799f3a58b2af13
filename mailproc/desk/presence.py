"""Which workers there are, on whatever machine: what one had taken that is heard of no more, others take up.

A worker says that it is there by a lease of its own.  One that stands still for longer than that finds out
when it files or sends: what it had taken is not its own any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from mailproc.store.protocol import Store, StoreError, Transaction

log = logging.getLogger("mailproc.presence")

Clock = Callable[[], float]

SECONDS = 60.0  # for which a worker is believed to be there
BEAT = 15.0  # seconds between two signs of life, and between two looks for who gives none
FORGOTTEN = 86400.0  # seconds after which nothing is known of a worker any more


async def announce(store: Store, worker: str, clock: Clock) -> None:
    """We are there: to be said before anything is taken."""
    now = clock()
    await store.write_beside(lambda tx: tx.leases.announce(worker, now + SECONDS))


async def stay_present(store: Store, worker: str, clock: Clock) -> None:
    """Say so again and again, until cancelled."""
    while True:
        await asyncio.sleep(BEAT)
        try:
            await announce(store, worker, clock)
        except StoreError as error:
            log.warning("worker=%s store=%s", worker, error)


async def watch_presence(store: Store, clock: Clock) -> None:
    """Free what workers hold that are not there, until cancelled: the work of one of all."""
    while True:
        await free_what_the_absent_hold(store, clock())
        await asyncio.sleep(BEAT)


async def free_what_the_absent_hold(store: Store, now: float) -> int:
    """How many mails that were, on their way in or out."""

    def free(tx: Transaction) -> int:
        tx.leases.forget_workers(now - FORGOTTEN)
        return tx.holdings.release_of_absent(now)

    freed = await store.write(free)
    if freed:
        log.warning("taken_up=%d of workers that are not heard of any more", freed)
    return freed
