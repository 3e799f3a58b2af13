"""A server that answers HTTP with JSON as a source (RFC 9110, RFC 9112, RFC 8259).

One GET for each question.  Values stand percent-encoded in path or query; the host is the configuration's,
and no redirection is followed, so no mail can lead a question elsewhere.  200 is an answer, 404 and 204 say
that nothing is known; everything else, and what is no JSON or too large, is a server that does not answer.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import h11

from mailproc.enrich.source import Record, SourceAway
from mailproc.enrich.stream import Server, Streams
from mailproc.enrich.values import clean

LARGEST = 262_144  # octets of an answer

_AT_ONCE = 65_536
_NAMED = re.compile(r"%7B(\w+)%7D")
_DOTS = frozenset({".", ".."})
_NOTHING = frozenset({204, 404})
_DEFAULT_PORTS = {"http": 80, "https": 443}


class HttpSource:
    """Asks one address; ``authorization`` is the value of that field, or ""."""

    def __init__(
        self,
        url: str,
        authorization: str,
        at: str,
        wanted: Mapping[str, str],
        *,
        rows: int,
        tls: ssl.SSLContext | None,
    ) -> None:
        parts = urlsplit(url.replace("{", "%7B").replace("}", "%7D"))
        assert parts.hostname  # as checked with the options
        self._server = Server(parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme], tls)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = [
            ("Host", parts.netloc),
            ("User-Agent", "mailproc"),
            ("Accept", "application/json"),
            ("Connection", "close"),
        ]
        if authorization:
            self._headers.append(("Authorization", authorization))
        self._at = at
        self._wanted = dict(wanted)
        self._rows = rows

    async def ask(self, values: Mapping[str, str]) -> list[Record]:
        if any(value in _DOTS for value in values.values()):
            return []  # a step up in the path, and nothing that anybody is called
        # All at once: a value may hold the name of another one in braces.
        quoted = {name: quote(value, safe="") for name, value in values.items()}
        target = _NAMED.sub(lambda named: quoted.get(named[1], named[0]), self._target)
        status, body = await self._get(target)
        if status in _NOTHING:
            return []
        if status != 200:
            raise SourceAway(f"answers with status {status}")
        return await asyncio.to_thread(self._records, body) if len(body) > _AT_ONCE else self._records(body)

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _get(self, target: str) -> tuple[int, bytes]:
        connection = h11.Connection(h11.CLIENT)
        request = connection.send(h11.Request(method="GET", target=target, headers=self._headers))
        end = connection.send(h11.EndOfMessage())
        async with self._server.connected() as streams:
            streams[1].write((request or b"") + (end or b""))
            await streams[1].drain()
            try:
                return await _response(connection, streams)
            except h11.RemoteProtocolError as error:
                raise SourceAway(f"speaks no HTTP: {error}") from None

    def _records(self, body: bytes) -> list[Record]:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise SourceAway("answers with something that is no JSON") from None
        found = _at(answer, self._at)
        if not found:
            return []
        objects = found if isinstance(found, list) else [found]
        if not all(isinstance(each, dict) for each in objects[: self._rows]):
            raise SourceAway("answers with JSON that is no object, nor a list of objects")
        return [
            {name: clean(_at(each, where)) for name, where in self._wanted.items()}
            for each in objects[: self._rows]
        ]


async def _response(connection: h11.Connection, streams: Streams) -> tuple[int, bytes]:
    status, body = 0, bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await streams[0].read(_AT_ONCE))
        elif isinstance(event, h11.Response):
            status = event.status_code
            if status != 200:
                return status, b""
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > LARGEST:
                raise SourceAway(f"answers with more than {LARGEST} octets")
        elif isinstance(event, h11.EndOfMessage):
            return status, bytes(body)
        elif not isinstance(event, h11.InformationalResponse):
            raise SourceAway("ends before its answer does")


def authorization(user: str, password: str) -> str:
    """Basic for a user (RFC 7617), a bearer token without one (RFC 6750)."""
    if user:
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Bearer {password}" if password else ""


def _at(value: object, path: str) -> object:
    """What stands at ``a.b.0.c`` in an answer; None where nothing does."""
    for step in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
