"""Work that one of all workers does, on whatever machine: whoever holds its lease in the store.

A worker that dies keeps the others out for as long as its lease lasts.  One that slept past its lease finds
another token in force, writes nothing, and waits for its turn again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mailproc.store.protocol import Store, StoreError, Transaction

log = logging.getLogger("mailproc.lease")

T = TypeVar("T")
Work = Callable[[Store], Coroutine[None, None, None]]

LEASE = 15.0  # seconds
PAUSE = 1.0  # seconds after the store failed
HANDOVER = 120.0  # seconds after which a worker that was replaced is gone (supervisor.py)
EAGER = 0.5  # seconds between two looks meanwhile


class TurnOver(Exception):
    """Another worker holds the lease by now."""


@dataclass(frozen=True, slots=True)
class FencedStore:
    """The store, for who holds the lease: every write proves it."""

    store: Store
    lease: str
    token: int

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self.store.read(work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        def fenced(tx: Transaction) -> T:
            if not tx.leases.holds(self.lease, self.token):
                raise TurnOver
            return work(tx)

        return await self.store.write(fenced)

    async def write_beside(self, work: Callable[[Transaction], T]) -> T:
        """Not beside others: only among those that write alone is the lease sure to stay."""
        return await self.write(work)

    async def listen(self, wake: Callable[[], None]) -> None:
        await self.store.listen(wake)

    async def close(self) -> None:
        """It is closed by who opened it."""


@dataclass(slots=True)
class Turn:
    """A lease and who asks for it; times are those of ``clock``."""

    store: Store
    lease: str
    holder: str
    clock: Callable[[], float]
    seconds: float = LEASE
    _asked: float | None = None  # first, by the loop's time

    async def work(self, works: Sequence[Work]) -> None:
        """Do all of these while it is our turn, until cancelled; what fails unforeseen ends it."""
        while True:
            try:
                await self.hold(works)
            except TurnOver:
                log.warning("lease=%s: another worker has it", self.lease)
            except StoreError as error:
                log.warning("store=%s", error)
                await asyncio.sleep(PAUSE)

    async def hold(self, works: Sequence[Work]) -> None:
        """Do these once, each on a store that is fenced, until one of them ends; TurnOver when another worker
        has the lease by then.  Where another has it now, wait a while instead."""
        token = await self._acquire()
        if token is None:
            await asyncio.sleep(self._patience())
        else:
            await self._while_held(token, works)

    def _patience(self) -> float:
        """Who is new may be here in place of another, which gives the lease up at any moment."""
        now = asyncio.get_running_loop().time()
        if self._asked is None:
            self._asked = now
        return min(EAGER, self.seconds / 2) if now - self._asked < HANDOVER else self.seconds / 2

    async def _acquire(self) -> int | None:
        now = self.clock()
        if not await self.store.read(lambda tx: tx.leases.is_free(self.lease, self.holder, now)):
            return None
        until = now + self.seconds
        return await self.store.write(lambda tx: tx.leases.acquire(self.lease, self.holder, now, until))

    async def _while_held(self, token: int, works: Sequence[Work]) -> None:
        fenced = FencedStore(self.store, self.lease, token)
        tasks = [asyncio.create_task(work(fenced)) for work in works]
        tasks.append(asyncio.create_task(self._renew(token)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self._release(token)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _renew(self, token: int) -> None:
        third, loop = self.seconds / 3, asyncio.get_running_loop()
        while True:
            # All leases of a process at the same moments: so one commit serves them.
            await asyncio.sleep(third - loop.time() % third)
            await self._renew_once(token)

    async def _renew_once(self, token: int) -> None:
        until = self.clock() + self.seconds
        if not await self.store.write(lambda tx: tx.leases.renew(self.lease, token, until)):
            raise TurnOver

    async def _release(self, token: int) -> None:
        try:
            await self.store.write(lambda tx: tx.leases.release(self.lease, token))
        except StoreError as error:
            log.warning("lease=%s store=%s", self.lease, error)  # it ends by itself
