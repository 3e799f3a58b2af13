"""Wake the watcher when something may have changed in a desk's folder.

By NOTIFY where the server offers it, with IDLE on one mailbox beside it; else by IDLE on a few mailboxes.  It
is also looked every few seconds, whatever the server says, because a server may become deaf: Dovecot 2.3
tells by NOTIFY of what happens within half a second, until some thousand mails have come; from then on up to
half a minute late.  When IDLE knows of something that NOTIFY does not, NOTIFY is begun anew, which cures it.
Where NOTIFY had nothing to tell for some minutes, looks become rarer: a desk at rest costs next to nothing.

Waking too often is harmless, because the watcher looks for himself; so an error here never reaches it: a
connection that is lost wakes it once, and is made again after a while.
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
SAME = 5.0  # seconds within which NOTIFY must tell what IDLE told
AT_REST = 120.0  # seconds without news from a server that tells of them …
RARER = 5  # … from which on looks are so many times rarer


class _Deaf(Exception):
    """NOTIFY does not tell what IDLE does."""


class Waker:
    """Listens to one server from ``start`` to ``close``, on connections of its own.

    ``root`` is the mailbox above all others; ``idle_on`` are those to listen to by IDLE, each on a
    connection, so they are few; beside NOTIFY it is only the first one: an agent's gesture begins in ``New``
    more often than not.
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
        self._notified_at = 0.0  # by the loop's clock
        self._woken_at = -AT_REST  # by the loop's clock
        self._is_told = False  # NOTIFY works
        self._is_closing = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen; ``wait`` works before the connections are there."""
        self._tasks = [asyncio.create_task(self._keep())]

    async def close(self) -> None:
        """End in no time; nobody needs to be waiting."""
        self._is_closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def wait(self, seconds: float) -> bool:
        """Return when something may have changed, at the latest after so many seconds.

        True where the server said so; False where it is only time to look.
        """
        try:
            async with asyncio.timeout(min(seconds, self._patience())):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def _patience(self) -> float:
        quiet = asyncio.get_running_loop().time() - self._woken_at
        return between_looks(self._poll, quiet=quiet, is_told=self._is_told)

    def wake(self) -> None:
        """Let ``wait`` return now."""
        self._woken.set()
        self._woken_at = asyncio.get_running_loop().time()

    async def _keep(self) -> None:
        """Listen for ever, over one connection after the other."""
        pause = FIRST_PAUSE
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await self._listen()
            except* (ImapDown, ImapRefused) as lost:
                log.info("listening=%s: %s", self._root, _first(lost))
            except* _Deaf:
                log.info("listening=%s: NOTIFY is late and begun anew", self._root)
                pause = FIRST_PAUSE
            if self._is_closing:  # a group that fails while it is cancelled tells of the failure only
                return
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
        self.wake()  # what came before NOTIFY was there
        self._is_told = True
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._be_notified(client))
                if self._idle_on and client.offers("IDLE"):
                    heard = asyncio.Event()
                    group.create_task(self._idle_apart(self._idle_on[0], heard))
                    group.create_task(self._compare(heard))
        finally:
            self._is_told = False

    async def _be_notified(self, client: ImapClient) -> None:
        while True:
            job = partial(listening.is_told, seconds=self._renew)
            if await client.run(job, within=self._renew + 2 * self._settings.timeout):
                self._notified_at = asyncio.get_running_loop().time()
                self.wake()

    async def _compare(self, heard: asyncio.Event) -> None:
        """What IDLE heard NOTIFY must tell, too: a moment before, or soon."""
        clock = asyncio.get_running_loop().time
        while True:
            await heard.wait()
            since = clock() - SAME
            await asyncio.sleep(SAME)
            if self._notified_at < since:
                raise _Deaf
            heard.clear()

    async def _idle(self, client: ImapClient) -> None:
        """The first mailbox over this connection, each other one over its own."""
        async with asyncio.TaskGroup() as group:
            for mailbox in self._idle_on[1:]:
                group.create_task(self._idle_apart(mailbox))
            if self._idle_on:
                group.create_task(self._idle_on_one(client, self._idle_on[0]))

    async def _idle_apart(self, mailbox: str, heard: asyncio.Event | None = None) -> None:
        client = ImapClient(self._settings)
        try:
            await client.connect()
            await self._idle_on_one(client, mailbox, heard)
        finally:
            client.abort()

    async def _idle_on_one(
        self, client: ImapClient, mailbox: str, heard: asyncio.Event | None = None
    ) -> None:
        """Wake, and set ``heard``, whenever something happens in a mailbox."""
        loop = asyncio.get_running_loop()

        def on_news() -> None:
            self.wake()
            if heard is not None:
                heard.set()

        job = partial(
            listening.idle,
            mailbox=mailbox,
            seconds=self._renew,
            on_news=lambda: loop.call_soon_threadsafe(on_news),
        )
        await client.run(job, within=LONGEST_IDLE)


def between_looks(poll: float, *, quiet: float, is_told: bool) -> float:
    """Seconds until the next look, where there were no news for so many seconds; ``is_told`` by NOTIFY."""
    return poll * RARER if is_told and quiet > AT_REST else poll


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    (first, *_) = group.exceptions
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
