"""Ask clamd whether a mail holds a virus (its command INSTREAM).

``clamd`` is a Unix socket or a TCP port.  The whole mail goes there as it came; clamd takes it apart itself.
Where clamd does not answer in time or answers nonsense, the stage has failed, and ``on_error`` decides:
``continue`` lets the mail pass with the tag ``virus-failed`` (fail open), ``defer`` keeps it until clamd is
back (fail closed).  A mail that is larger than clamd accepts passes with the tag ``virus-unscanned``.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from mailproc.stage import CONTINUE, Course, Delivery, LookUps, Stage, Verdict

_CHUNK = 65_536  # octets in one piece of the stream
_MAX_ANSWER = 4_096  # octets
_END = bytes(4)  # a piece of no length
_TOO_LARGE = "INSTREAM size limit exceeded"


class NoVerdict(Exception):
    """clamd is away, or does not say whether there is a virus; the text says what it said."""


@dataclass
class Filter(Stage):
    clamd: str = "unix:/run/clamav/clamd.ctl"  # or HOST:PORT, [V6]:PORT
    found: Literal["quarantine", "ignore", "tag"] = "quarantine"  # what becomes of a mail with a virus
    most: int = 26_214_400  # octets; larger mails are not sent to clamd (its StreamMaxLength)
    seconds: float = 20.0  # for the whole scan; below the stage's own timeout

    def __post_init__(self) -> None:
        if not self.clamd.startswith("unix:/"):
            _host_and_port(self.clamd)
        if self.most < 1:
            raise ValueError("most: octets, 1 or more")
        if self.seconds <= 0:
            raise ValueError("seconds: more than 0")

    async def open(self, look_ups: LookUps) -> None:
        """Nothing is asked here: clamd may start later than mailproc."""

    async def process(self, delivery: Delivery) -> Verdict:
        virus = await self._scan(delivery.raw) if len(delivery.raw) <= self.most else None
        delivery.score("scanned", virus is not None)
        delivery.score("found", bool(virus))
        delivery.score("name", virus or "")
        if virus is None:
            delivery.add_tag("virus-unscanned")
        return self._judge(virus, delivery) if virus else CONTINUE

    async def _scan(self, raw: bytes) -> str | None:
        """The name of the virus, "" for none, None where the mail is too large for clamd; NoVerdict."""
        try:
            async with asyncio.timeout(self.seconds):
                return _read_answer(await self._ask(raw))
        except TimeoutError:
            raise NoVerdict(f"{self.clamd} did not answer within {self.seconds:g} s") from None
        except OSError as error:
            raise NoVerdict(f"{self.clamd}: {error}") from error

    async def _ask(self, raw: bytes) -> bytes:
        """clamd's answer.  Streams of asyncio would lose one that comes before the mail is all sent."""
        loop = asyncio.get_running_loop()
        family, address = self._address
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            await loop.sock_connect(connection, address)
            with suppress(ConnectionError):  # it closes when it has had too much; its answer says so
                await _send(raw, connection)
            return await _answer(connection)

    @property
    def _address(self) -> tuple[socket.AddressFamily, str | tuple[str, int]]:
        if self.clamd.startswith("unix:"):
            return socket.AF_UNIX, self.clamd.removeprefix("unix:")
        host, port = _host_and_port(self.clamd)
        return socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port)

    def _judge(self, virus: str, delivery: Delivery) -> Verdict:
        delivery.add_tag("virus")
        delivery.note("virus", virus)
        if self.found == "tag":
            return CONTINUE
        course = Course.QUARANTINE if self.found == "quarantine" else Course.IGNORE
        return Verdict(course, f"virus {virus}")


async def _send(raw: bytes, connection: socket.socket) -> None:
    """zINSTREAM: pieces with their length in four octets before them, and one of no length at the end."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, b"zINSTREAM\0")
    for start in range(0, len(raw), _CHUNK):
        piece = raw[start : start + _CHUNK]
        await loop.sock_sendall(connection, len(piece).to_bytes(4, "big") + piece)
        if _has_answer(connection):
            return
    await loop.sock_sendall(connection, _END)


def _has_answer(connection: socket.socket) -> bool:
    """It wants no more: had it all been sent, what clamd said could be lost with the connection."""
    with suppress(BlockingIOError):
        return bool(connection.recv(1, socket.MSG_PEEK))
    return False


async def _answer(connection: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    answer = b""
    while b"\0" not in answer and len(answer) < _MAX_ANSWER:
        piece = await loop.sock_recv(connection, _MAX_ANSWER)
        if not piece:
            break
        answer += piece
    return answer.partition(b"\0")[0]


def _read_answer(answer: bytes) -> str | None:
    text = "".join(
        letter if letter.isprintable() else "?" for letter in answer.decode("utf-8", "replace").strip()
    )
    said = text.removeprefix("stream: ")
    if said == "OK":
        return ""
    if said.endswith(" FOUND"):
        return said.removesuffix(" FOUND")[:200]
    if said.startswith(_TOO_LARGE):
        return None
    raise NoVerdict(f"clamd said {text[:200]!r}")


def _host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ValueError(f'clamd: "{text}" is neither unix:/PATH nor HOST:PORT')
    return host.strip("[]"), int(port)
