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

from mailproc.desk.turn import LEASE, Turn, TurnOver
from mailproc.imap.failure import ImapDown, ImapRefused
from mailproc.store.protocol import Store, StoreError

log = logging.getLogger("mailproc.imap")

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
    """Runs until cancelled; ``_serve`` is the work, and ``wake`` says that a ticket may have changed.

    While it serves, every write to ``_store`` proves that the lease is held.
    """

    def __init__(self, tenancy: Tenancy, store: Store, clock: Callable[[], float]) -> None:
        self._tenancy = tenancy
        self._store = store
        self._clock = clock
        self._turn = Turn(store, tenancy.lease, tenancy.holder, clock, tenancy.seconds)
        self._news = asyncio.Event()  # of the folder, or of tickets
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
                await self._turn.hold([self._serve_held])
            except TurnOver:
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

    async def _wait_after(self, error: Exception) -> None:
        if not self._failing:
            tenancy = self._tenancy
            log.warning('%s imap=%s: %s waits: "%s"', tenancy.subject, tenancy.server, tenancy.thing, error)
        self._failing = True
        await asyncio.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _serve_held(self, store: Store) -> None:
        self._store = store
        self._is_held = True
        try:
            await self._serve()
        finally:
            self._is_held = False
