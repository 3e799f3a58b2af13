"""A relay that says what a test tells it to, word by word.

Its script maps a verb (CONNECT, EHLO, MAIL, RCPT, DATA, ``.`` for the end of data, …) to the replies to
give, one for each time the verb comes; after them the default.  Instead of a reply it may DROP the
connection, HANG, DRIP (send continuation lines for ever), or KEEP_AND_DROP (take the mail, then drop).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

DROP = "drop"
HANG = "hang"
DRIP = "drip"
KEEP_AND_DROP = "keep and drop"
START_TLS = "220 2.0.0 start TLS"

EXTENSIONS = ("8BITMIME", "SMTPUTF8", "SIZE 1000000", "ENHANCEDSTATUSCODES")
DEFAULTS = {
    "CONNECT": "220 relay.example ESMTP",
    "MAIL": "250 2.1.0 sender ok",
    "RCPT": "250 2.1.5 recipient ok",
    "DATA": "354 go on",
    ".": "250 2.0.0 queued",
    "RSET": "250 2.0.0 flushed",
    "NOOP": "250 2.0.0 ok",
    "AUTH": "235 2.7.0 welcome",
    "QUIT": "221 2.0.0 bye",
}


@dataclass(frozen=True)
class Taken:
    """A mail as it came over the wire, dots not undone."""

    mail: str  # the whole MAIL command
    recipients: tuple[str, ...]
    wire: bytes


@dataclass
class ScriptedRelay:
    script: Mapping[str, Sequence[str]] = field(default_factory=dict)
    extensions: Sequence[str] = EXTENSIONS
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False

    def __post_init__(self) -> None:
        self.taken: list[Taken] = []
        self.commands: list[str] = []
        self.connections = 0
        self.port = 0
        self.changed = asyncio.Event()
        self._left = {verb: list(replies) for verb, replies in self.script.items()}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        context = self.tls if self.implicit_tls else None
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def drop_connections(self) -> None:
        """End all connections without a word, but go on listening."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until(self, mails: int) -> list[Taken]:
        """Wait for so many mails."""
        async with asyncio.timeout(20):
            while len(self.taken) < mails:
                self.changed.clear()
                await self.changed.wait()
        return self.taken

    async def until_said(self, command: str, times: int = 1) -> None:
        """Wait for a command that begins like this."""
        async with asyncio.timeout(20):
            while sum(said.startswith(command) for said in self.commands) < times:
                self.changed.clear()
                await self.changed.wait()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await _Conversation(self, reader, writer).hold()
        except (_Dropped, ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()

    def reply_to(self, verb: str) -> str:
        left = self._left.get(verb)
        if left:
            return left.pop(0)
        if verb == "EHLO":
            return "\r\n".join(f"250-{word}" for word in ("relay.example", *self.extensions)) + "\r\n250 HELP"
        return DEFAULTS.get(verb, "502 5.5.1 what?")

    def note(self, command: str) -> None:
        self.commands.append(command)
        self.changed.set()

    def take(self, taken: Taken) -> None:
        self.taken.append(taken)
        self.changed.set()


class _Dropped(Exception):
    pass


class _Conversation:
    def __init__(
        self, relay: ScriptedRelay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._relay = relay
        self._reader = reader
        self._writer = writer
        self._mail = ""
        self._recipients: list[str] = []

    async def hold(self) -> None:
        await self._say(self._relay.reply_to("CONNECT"))
        while line := await self._reader.readline():
            command = line.decode().rstrip("\r\n")
            self._relay.note(command)
            verb = command.partition(" ")[0].upper()
            reply = self._relay.reply_to(verb)
            await self._say(reply)
            await self._follow(verb, command, reply)

    async def _follow(self, verb: str, command: str, reply: str) -> None:
        match verb:
            case "MAIL":
                self._mail, self._recipients = command, []
            case "RCPT" if reply.startswith("25"):
                self._recipients.append(command.partition("<")[2].rpartition(">")[0])
            case "DATA" if reply.startswith("354"):
                await self._read_mail()
            case "STARTTLS" if reply == START_TLS:
                assert self._relay.tls is not None
                await self._writer.start_tls(self._relay.tls)
            case "QUIT":
                raise _Dropped

    async def _read_mail(self) -> None:
        wire = b""
        while not (wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"):
            line = await self._reader.readline()
            if not line:
                raise _Dropped
            wire += line
        reply = self._relay.reply_to(".")
        if reply.startswith("2") or reply == KEEP_AND_DROP:
            self._relay.take(Taken(self._mail, tuple(self._recipients), wire))
        await self._say(reply)

    async def _say(self, reply: str) -> None:
        if reply in (DROP, KEEP_AND_DROP):
            raise _Dropped
        if reply == HANG:
            await asyncio.Event().wait()
        if reply == DRIP:
            while True:
                self._writer.write(b"250-a\r\n")
                await self._writer.drain()
                await asyncio.sleep(0.02)
        self._writer.write(reply.encode() + b"\r\n")
        await self._writer.drain()
