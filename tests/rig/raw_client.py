"""A client that sends octets as told and reads reply lines; it knows nothing of LMTP or SMTP."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from mailproc.listen.listener import Listener


class RawClient:
    """One connection, made by ``Served.connect``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *segments: bytes) -> None:
        """Send each argument in a segment of its own, as far as TCP lets one say so."""
        for segment in segments:
            self._writer.write(segment)
            await self._writer.drain()

    async def replies(self, count: int) -> list[str]:
        """The next ``count`` lines."""
        return [(await self._reader.readuntil(b"\r\n")).decode().rstrip() for _ in range(count)]

    async def codes(self, count: int) -> list[str]:
        return [line[:3] for line in await self.replies(count)]

    async def say(self, *commands: str) -> list[str]:
        """Send commands in one segment and read one line for each."""
        await self.send("".join(f"{command}\r\n" for command in commands).encode())
        return await self.replies(len(commands))

    async def greet(self, word: str = "LHLO") -> list[str]:
        """Read the greeting, say LHLO, and return what is offered."""
        await self.replies(1)
        return await self.offers(word)

    async def offers(self, word: str = "EHLO") -> list[str]:
        """Say LHLO or EHLO, and return what is offered."""
        await self.send(f"{word} client.example\r\n".encode())
        offered: list[str] = []
        while not offered or offered[-1][3] == "-":
            offered += await self.replies(1)
        return offered

    async def begin(self, *recipients: str, sender: str = "<sender@example.com>") -> list[str]:
        """MAIL, RCPT for each recipient and DATA; return the reply to each RCPT."""
        rcpts = [f"RCPT TO:<{recipient}>" for recipient in recipients]
        answers = await self.say(f"MAIL FROM:{sender}", *rcpts, "DATA")
        assert answers[0].startswith("250"), answers
        assert answers[-1].startswith("354"), answers
        return answers[1:-1]

    async def rest(self) -> bytes:
        """What the server still sends before it closes."""
        return await self._reader.read()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on; the server is called localhost."""
        await self._writer.start_tls(context, server_hostname="localhost")

    def send_no_more(self) -> None:
        """Close the sending side only."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Leave without a word."""
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@dataclass(frozen=True, slots=True)
class Served:
    """A listener and the address of its first socket: a path, or a tuple with host and port."""

    listener: Listener
    address: str | tuple[str, int]

    @contextlib.asynccontextmanager
    async def connect(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawClient]:
        """A client; it speaks TLS from the first octet on where ``tls`` is given."""
        if isinstance(self.address, str):
            streams = await asyncio.open_unix_connection(self.address)
        else:
            streams = await asyncio.open_connection(*self.address[:2], ssl=tls)
        client = RawClient(*streams)
        try:
            yield client
        finally:
            await client.close()


def stuffed(lines: bytes) -> bytes:
    """Octets as they go over the wire, with the end of the mail; ``lines`` ends in CRLF or is empty."""
    return (b"\r\n" + lines).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def cut(octets: bytes, places: Iterable[int]) -> list[bytes]:
    """The octets in segments, cut at these places."""
    inner = sorted({place % (len(octets) + 1) for place in places} - {0, len(octets)})
    return [octets[start:end] for start, end in zip([0, *inner], [*inner, len(octets)], strict=True)]
