"""What a client sent and nobody has read yet: command lines, and blocks of a mail.

Everything that has come is taken at once, so a pipelined batch costs one read (RFC 2920), and what
follows a mail is put back for the next command.  Octets are copied once or not at all, which a
``StreamReader`` cannot promise.
"""

from __future__ import annotations

import asyncio

COMMAND_LIMIT = 2048  # octets of a command line; RFC 5321 section 4.5.3.1.4 asks for 512 and more
_ENDLESS = 1_048_576  # octets of a command line after which the client is no longer listened to
_WAITING_LIMIT = 262_144  # octets that may wait to be read before the socket is paused


class LineTooLong(Exception):
    """A command line over the limit; it was read to its end and thrown away."""


class Wire:
    """Octets between the event loop, which feeds, and one reader; EOFError when no more will come."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.ReadTransport | None = None
        self._waiting: list[bytes] = []
        self._waiting_size = 0
        self._paused = self._ended = False
        self._reader: asyncio.Future[None] | None = None
        self._block = b""
        self._at = 0

    def connect(self, transport: asyncio.ReadTransport) -> None:
        """Pause ``transport`` while too much waits to be read."""
        self._transport = transport

    def feed(self, block: bytes) -> None:
        self._waiting.append(block)
        self._waiting_size += len(block)
        if self._waiting_size > _WAITING_LIMIT and self._transport and not self._paused:
            self._transport.pause_reading()
            self._paused = True
        self._wake()

    def feed_eof(self) -> None:
        self._ended = True
        self._wake()

    @property
    def has_line(self) -> bool:
        """Whether a whole command line, or more, has come already."""
        return bool(self._waiting) or self._block.find(b"\n", self._at) >= 0

    async def line(self) -> bytes:
        """The next line without its CRLF or LF."""
        while (end := self._block.find(b"\n", self._at)) < 0:
            if len(self._block) - self._at > COMMAND_LIMIT + 1:  # the last one may be the CR
                await self._swallow_line()
                raise LineTooLong
            self._block, self._at = self._block[self._at :] + await self._read(), 0
        line = self._block[self._at : end].removesuffix(b"\r")
        self._at = end + 1
        if len(line) > COMMAND_LIMIT:
            raise LineTooLong
        return line

    async def block(self) -> bytes:
        """Whatever has come, at least one octet."""
        if self._at < len(self._block):
            rest, self._block, self._at = self._block[self._at :], b"", 0
            return rest
        return await self._read()

    def put_back(self, rest: bytes) -> None:
        """Make ``rest`` of the block that was read last the next thing to read."""
        self._block, self._at = rest, 0

    def discard(self, count: int) -> None:
        """Throw away up to ``count`` octets of the block that the last line came with."""
        self._at = min(self._at + count, len(self._block))

    async def _swallow_line(self) -> None:
        swallowed = len(self._block) - self._at
        while (end := (block := await self._read()).find(b"\n")) < 0:
            swallowed += len(block)
            if swallowed > _ENDLESS:
                raise EOFError("endless command line")
        self.put_back(block[end + 1 :])

    async def _read(self) -> bytes:
        while not self._waiting:
            if self._ended:
                raise EOFError("closed by the client")
            self._reader = self._loop.create_future()
            await self._reader
        block = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
        self._waiting.clear()
        self._waiting_size = 0
        if self._paused and self._transport:
            self._transport.resume_reading()
            self._paused = False
        return block

    def _wake(self) -> None:
        if self._reader and not self._reader.done():
            self._reader.set_result(None)
