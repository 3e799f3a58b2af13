"""A name server of the tests that can be told to be silent, to refuse, or to answer long."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from mailproc.model.signing_key import strings_of

Records = dict[str, list[str]]
MOST_BY_UDP = 1232


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Answers by UDP, and by TCP what is too large for that; ``asked`` are the names in order."""

    records: Records = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)  # names that it does not answer for
    broken: set[str] = field(default_factory=set)  # names that it cannot resolve
    is_dead: bool = False
    ttl: int = 600
    asked: list[str] = field(default_factory=list)
    by_tcp: int = 0
    address: str = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, octets: bytes, client: tuple[str, int]) -> None:
        answer = self._answer(octets)
        if answer is None:
            return
        wire = answer.to_wire(max_size=65_535)
        if len(wire) > MOST_BY_UDP:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
            wire = answer.to_wire(max_size=65_535)
        self._transport.sendto(wire, client)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = self._answer(await reader.readexactly(length))
            assert answer is not None
            self.by_tcp += 1
            wire = answer.to_wire(max_size=65_535)
            writer.write(len(wire).to_bytes(2, "big") + wire)
            await writer.drain()
        writer.close()

    def _answer(self, octets: bytes) -> dns.message.Message | None:
        query = dns.message.from_wire(octets)
        name = query.question[0].name.to_text(omit_final_dot=True)
        self.asked.append(name)
        if self.is_dead or name in self.silent:
            return None
        answer = dns.message.make_response(query)
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name in self.records:
            texts = [" ".join(f'"{part}"' for part in strings_of(text)) for text in self.records[name]]
            if texts:
                answer.answer.append(
                    dns.rrset.from_text(f"{name}.", self.ttl, "IN", dns.rdatatype.TXT, *texts)
                )
        elif name != ".":
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@pytest.fixture
async def name_server() -> AsyncIterator[NameServer]:
    loop = asyncio.get_running_loop()
    server = NameServer()
    tcp = await asyncio.start_server(server.converse, "127.0.0.1", 0)
    port = tcp.sockets[0].getsockname()[1]
    udp, _ = await loop.create_datagram_endpoint(lambda: server, ("127.0.0.1", port))
    server.address = f"127.0.0.1:{port}"
    async with tcp:
        yield server
    udp.close()
