"""Work at the IMAP server that one of all workers does: whoever holds its lease.

While the server is away, or does not let us in, what is to be done waits in the store and nothing is lost.
One warning says so; tries are made ever more rarely, five minutes apart at last.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mailproc.imap.failure import ImapDown, ImapRefused
from mailproc.imap.watch import LeaseLost
from mailproc.store.protocol import Store, StoreError, Transaction

log = logging.getLogger("mailproc.imap")

T = TypeVar("T")

LEASE = 15.0  # seconds for which a worker that died keeps others out
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0  # seconds between tries


@dataclass(frozen=True, slots=True)
class Tenancy:
    """What is leased: ``subject`` is who it is for, ``thing`` what waits, in the words of the log."""

    lease: str
    holder: str
    subject: str
    thing: str
    server: str
    seconds: float = LEASE


class Tenant(ABC):
    """Runs until cancelled; ``_serve`` is the work, and ``wake`` says that a ticket may have changed."""

    def __init__(self, tenancy: Tenancy, store: Store, clock: Callable[[], float]) -> None:
        self._tenancy = tenancy
        self._store = store
        self._clock = clock
        self._news = asyncio.Event()
        self._token = 0
        self._failing = False
        self._is_held = False
        self._pause = FIRST_PAUSE

    def wake(self) -> None:
        """To be called in the event loop that this runs in."""
        self._news.set()

    @property
    def state(self) -> str:
        """``working``, ``failing``, or ``waiting`` where another worker holds the lease."""
        if self._failing:
            return "failing"
        return "working" if self._is_held else "waiting"

    @abstractmethod
    async def _serve(self) -> None:
        """Do the work, for as long as the lease is held; ends by raising."""

    async def run(self) -> None:
        """Hold the lease whenever it is to be had, and work while it is held."""
        subject = self._tenancy.subject
        while True:
            try:
                await self._hold()
            except LeaseLost:
                log.warning("%s: another worker watches %s", subject, self._tenancy.thing)
            except (ImapDown, ImapRefused, StoreError) as error:
                await self._wait_after(error)
            except Exception as error:
                log.exception("%s: watching failed unforeseen", subject)
                await self._wait_after(error)

    def _works(self) -> None:
        """It went well: what was wrong is over."""
        if self._failing:
            log.info("%s: %s is watched again", self._tenancy.subject, self._tenancy.thing)
        self._failing = False
        self._pause = FIRST_PAUSE

    async def _write(self, work: Callable[[Transaction], T]) -> T:
        """``store.write`` for who still holds the lease."""

        def fenced(tx: Transaction) -> T:
            if not tx.leases.holds(self._tenancy.lease, self._token):
                raise LeaseLost
            return work(tx)

        return await self._store.write(fenced)

    async def _wait_after(self, error: Exception) -> None:
        if not self._failing:
            tenancy = self._tenancy
            log.warning('%s imap=%s: %s waits: "%s"', tenancy.subject, tenancy.server, tenancy.thing, error)
        self._failing = True
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _hold(self) -> None:
        """Work under the lease; return when another worker has it."""
        token = await self._acquire()
        if token is None:
            await asyncio.sleep(self._tenancy.seconds / 2)
            return
        self._token = token
        self._is_held = True
        try:
            await self._serve_while_held()
        finally:
            self._is_held = False
            await self._release()

    async def _acquire(self) -> int | None:
        lease, holder, now = self._tenancy.lease, self._tenancy.holder, self._clock()
        if not await self._store.read(lambda tx: tx.leases.is_free(lease, holder, now)):
            return None
        until = now + self._tenancy.seconds
        return await self._store.write(lambda tx: tx.leases.acquire(lease, holder, now, until))

    async def _release(self) -> None:
        try:
            await self._store.write(lambda tx: tx.leases.release(self._tenancy.lease, self._token))
        except StoreError as error:
            log.warning("store=%s", error)  # it ends by itself

    async def _serve_while_held(self) -> None:
        serving = asyncio.create_task(self._serve())
        renewing = asyncio.create_task(self._renew())
        try:
            await asyncio.wait((serving, renewing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (serving, renewing):
                task.cancel()
            results = await asyncio.gather(serving, renewing, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._tenancy.seconds / 3)
            await self._renew_once()

    async def _renew_once(self) -> None:
        until = self._clock() + self._tenancy.seconds
        if not await self._store.write(lambda tx: tx.leases.renew(self._tenancy.lease, self._token, until)):
            raise LeaseLost
