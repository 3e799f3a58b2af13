"""A responder for monitoring: GET and HEAD of fixed paths by HTTP/1.1 (RFC 9112), one request a connection.

Bounded: so many connections, so many octets of a request, so many seconds.  What is no request is answered
400 and closed.  There is no login; the place for it is loopback.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

log = logging.getLogger("mailproc.metrics")

MOST_OCTETS = 8192  # of a request's head
MOST_CONNECTIONS = 16
SECONDS = 10.0  # for one request and its answer

_REQUEST = re.compile(rb"([A-Z]{1,16}) (/[!-~]*|\*|[a-z]+://[!-~]+) HTTP/1\.[01]")
_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*")
_REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is text, shown as ``content_type``."""

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"


class Responder:
    """Answers on sockets that were bound before; ``pages`` by path."""

    def __init__(self, pages: Mapping[str, Callable[[], Awaitable[Answer]]]) -> None:
        self._pages = pages
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Serve; the sockets are ours from now on."""
        for sock in sockets:
            start = asyncio.start_unix_server if sock.family == socket.AF_UNIX else asyncio.start_server
            self._servers.append(await start(self._meet, sock=sock, limit=MOST_OCTETS))

    async def stop(self) -> None:
        """Close everything at once."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= MOST_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                head = await _head(reader)
                if head is None or head:
                    method, answer = await self._answer(head)
                    writer.write(_octets(answer, with_body=method != b"HEAD"))
                    await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError) as error:
            log.debug("connection ended: %s", type(error).__name__)
        finally:
            writer.transport.abort()

    async def _answer(self, head: bytes | None) -> tuple[bytes, Answer]:
        found = _parse(head) if head else None
        if found is None:
            return b"", Answer(400, "This is no request.\n")
        method, path = found
        page = self._pages.get(path)
        if page is None:
            return method, Answer(404, f"There are: {' '.join(self._pages)}\n")
        if method not in (b"GET", b"HEAD"):
            return method, Answer(405, "GET or HEAD\n")
        try:
            return method, await page()
        except Exception:
            log.exception("path=%s", path)
            return method, Answer(500, "The cause is in the log.\n")


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    """Request line and fields; empty where the client left without a word, None where it is too long."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return None if error.partial else b""
    except asyncio.LimitOverrunError:
        return None


def _parse(head: bytes) -> tuple[bytes, str] | None:
    first, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    request = _REQUEST.fullmatch(first)
    if request is None or not all(map(_FIELD.fullmatch, fields)):
        return None
    return request[1], request[2].decode("ascii").partition("?")[0]


_ALLOW = "Allow: GET, HEAD\r\n"


def _octets(answer: Answer, *, with_body: bool) -> bytes:
    body = answer.body.encode()
    head = (
        f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\n"
        f"Content-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"{_ALLOW if answer.status == 405 else ''}"
        "Cache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + (body if with_body else b"")
