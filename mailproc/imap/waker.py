"""Wake the watcher when something may have changed in a desk's folder.

By NOTIFY where the server offers it, else by IDLE on a few mailboxes, and by looking every few seconds in any
case that NOTIFY does not cover.  Waking too often is harmless, because the watcher looks for himself; so an
error here never reaches it: a connection that is lost wakes it once, and is made again after a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from mailproc.imap import listening
from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapDown, ImapRefused
from mailproc.imap.settings import ImapSettings

log = logging.getLogger("mailproc.imap")

RENEW = 240.0  # seconds of silence after which the connection is tried (RFC 2177: within 29 minutes)
LONGEST_IDLE = 86400.0  # seconds on one connection
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0  # seconds before a lost connection is made again


class Waker:
    """Listens to one server from ``start`` to ``close``, on connections of its own.

    ``root`` is the mailbox above all others; ``idle_on`` are those to listen to where there is no NOTIFY,
    each on a connection, so they are few: an agent's gesture begins in ``New`` more often than not.
    """

    def __init__(
        self, settings: ImapSettings, root: str, idle_on: Sequence[str], *, poll: float, renew: float = RENEW
    ) -> None:
        self._settings = settings
        self._root = root
        self._idle_on = tuple(idle_on)
        self._poll = poll
        self._renew = renew
        self._woken = asyncio.Event()
        self._covered = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen; ``wait`` works before the connections are there."""
        self._tasks = [asyncio.create_task(self._keep())]

    async def close(self) -> None:
        """End in no time; nobody needs to be waiting."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def wait(self, seconds: float) -> bool:
        """Return when something may have changed, at the latest after so many seconds.

        True where the server said so; False where it is only time to look.
        """
        limit = seconds if self._covered else min(seconds, self._poll)
        try:
            async with asyncio.timeout(limit):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def wake(self) -> None:
        """Let ``wait`` return now."""
        self._woken.set()

    async def _keep(self) -> None:
        """Listen for ever, over one connection after the other."""
        pause = FIRST_PAUSE
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await self._listen()
            except* (ImapDown, ImapRefused) as lost:
                log.info("listening=%s: %s", self._root, _first(lost))
            self._covered = False
            self.wake()  # what happened until the next connection is there would be missed
            if asyncio.get_running_loop().time() - started > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _listen(self) -> None:
        client = ImapClient(self._settings)
        try:
            await client.connect()
            if await client.run(partial(listening.ask_to_be_told, root=self._root)):
                await self._be_told(client)
            elif client.offers("IDLE"):
                await self._idle(client)
            else:
                await client.close()
                await asyncio.Event().wait()  # nothing to listen to: ``wait`` polls
        finally:
            client.abort()

    async def _be_told(self, client: ImapClient) -> None:
        self._covered = True
        self.wake()  # what came before NOTIFY was there
        while True:
            job = partial(listening.is_told, seconds=self._renew)
            if await client.run(job, within=self._renew + 2 * self._settings.timeout):
                self.wake()

    async def _idle(self, client: ImapClient) -> None:
        """The first mailbox over this connection, each other one over its own."""
        async with asyncio.TaskGroup() as group:
            for mailbox in self._idle_on[1:]:
                group.create_task(self._idle_apart(mailbox))
            if self._idle_on:
                group.create_task(self._idle_on_one(client, self._idle_on[0]))

    async def _idle_apart(self, mailbox: str) -> None:
        client = ImapClient(self._settings)
        try:
            await client.connect()
            await self._idle_on_one(client, mailbox)
        finally:
            client.abort()

    async def _idle_on_one(self, client: ImapClient, mailbox: str) -> None:
        loop = asyncio.get_running_loop()
        job = partial(
            listening.idle,
            mailbox=mailbox,
            seconds=self._renew,
            on_news=lambda: loop.call_soon_threadsafe(self.wake),
        )
        await client.run(job, within=LONGEST_IDLE)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    (first, *_) = group.exceptions
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
