"""Whose turn it is to try for the write lock, among the workers of one machine.

One token lies in a pipe; who takes it out may try, and puts it back after the transaction.  The kernel wakes
one that waits, which costs less than trying again and again, and comes sooner.  The database's own lock
still decides: a token that went with a worker that died costs the next one a short wait, and is replaced.
Tokens are numbered, and only the newest counts: one that comes back after all would let two in at once, of
whom one would try in vain from then on.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import struct

LONGEST = 0.05  # seconds to wait for the token: it may be lost
_NUMBER = struct.Struct("=I")


class Turnstile:
    """Made before the workers are forked, which share it."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._newest = mmap.mmap(-1, _NUMBER.size)  # its number, for all processes
        self._held = 0  # the number of the token that is ours to put back, or 0
        self.leave()

    async def enter(self) -> bool:
        """Wait for our turn; False where it did not come in time, or where the token is lost."""
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
        """Let the next one in; who came in without the token makes a new one, as it must be lost."""
        number, self._held = self._held or self._number_anew(), 0
        if self._counts(number):
            os.write(self._in, _NUMBER.pack(number))

    def _take(self) -> bool:
        while not self._held:
            try:
                (number,) = _NUMBER.unpack(os.read(self._out, _NUMBER.size))
            except BlockingIOError:
                return False
            if self._counts(number):
                self._held = number
        return True

    def _counts(self, number: int) -> bool:
        return _NUMBER.unpack_from(self._newest) == (number,)

    def _number_anew(self) -> int:
        (newest,) = _NUMBER.unpack_from(self._newest)
        _NUMBER.pack_into(self._newest, 0, newest + 1)
        return int(newest) + 1
