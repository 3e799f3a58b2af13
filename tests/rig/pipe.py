"""A session without a network, in a loop whose clock moves when the test says so."""

from __future__ import annotations

import asyncio

from mailproc.listen.session import Session


class MovableLoop(asyncio.SelectorEventLoop):
    """A loop whose time stands still until it is moved on."""

    moved = 0.0

    def time(self) -> float:
        return self.moved

    async def move(self, seconds: float) -> None:
        self.moved += seconds
        await settle()


async def settle() -> None:
    """Let everything happen that can happen now."""
    for _ in range(10):
        await asyncio.sleep(0)


class Pipe(asyncio.Transport):
    """The network in memory, from 192.0.2.1; a ``deaf`` client reads nothing, so close() never ends."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._closing = False
        self.deaf = False
        self._gone = False
        self.written = b""
        session.connection_made(self)

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("192.0.2.1", 1024) if name == "peername" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self._closing

    def is_gone(self) -> bool:
        return self._gone

    def close(self) -> None:
        self._closing = True
        if not self.deaf:
            self.abort()

    def abort(self) -> None:
        self._closing = True
        if not self._gone:
            self._gone = True
            self._session.connection_lost(None)

    async def say(self, octets: bytes) -> bytes:
        """Send octets and return what is answered."""
        self.written = b""
        self._session.data_received(octets)
        await settle()
        return self.written
