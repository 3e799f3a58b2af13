"""Whose turn it is to try for the write lock, among the workers of one machine.

One octet lies in a pipe; who takes it out may try, and puts it back after the transaction.  The kernel wakes
one that waits, which costs less than trying again and again, and comes sooner.  The database's own lock
still decides: an octet that went with a worker that died costs the next one a short wait, and is replaced.
"""

from __future__ import annotations

import asyncio
import os

LONGEST = 0.05  # seconds to wait for the octet: it may be lost
_MOST = 64  # octets that can lie in the pipe: never more than workers


class Turnstile:
    """Made before the workers are forked, which share it."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._is_ours = True
        self.leave()

    async def enter(self) -> bool:
        """Wait for our turn; False where it did not come in time, or where the octet is lost."""
        if self._take():
            return True
        loop = asyncio.get_running_loop()
        lies_there = asyncio.Event()
        loop.add_reader(self._out, lies_there.set)
        try:
            async with asyncio.timeout(LONGEST):
                while not self._take():
                    lies_there.clear()
                    await lies_there.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(self._out)
        return True

    def leave(self) -> None:
        """Let the next one in; also who came in without the octet, as it must be lost."""
        self._is_ours = False
        os.write(self._in, b"1")

    def _take(self) -> bool:
        if not self._is_ours:
            try:
                # All there are: one that was thought lost may have come back beside its replacement.
                self._is_ours = bool(os.read(self._out, _MOST))
            except BlockingIOError:
                return False
        return self._is_ours
