"""LDAP servers that are none, or lie as no real one does; ``tests/peers/test_enrich.py`` has a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import sansldap
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailproc.enrich.ldap import LdapSource
from mailproc.enrich.source import SourceAway
from mailproc.stage import Inquiry, SourceOptions, open_source

ANN = {"sender": "ann@example.com"}
WANTED = {"name": "cn", "mail": "mail"}
DONE = 0


def answer(*entries: dict[str, list[bytes]], code: int = DONE) -> bytes:
    """What a server says to the first search."""
    server = sansldap.LDAPServer()
    client = sansldap.LDAPClient()
    client.search_request("", filter=sansldap.FilterPresent("cn"))
    server.receive(client.data_to_send())
    for entry in entries:
        attributes = [sansldap.PartialAttribute(name, values) for name, values in entry.items()]
        server.search_result_entry(1, "uid=x,dc=example", attributes)
    server.search_result_done(1, result_code=sansldap.LDAPResultCode(code))
    return server.data_to_send()


GOOD = answer({"CN": [b"Ann"], "mail": [b"a@x", b"b@x"]})
Serve = Callable[[bytes], AsyncIterator[int]]


async def ask(said: bytes, *, hangs: bool = False, **options: object) -> list[dict[str, object]]:
    """What a source makes of a server that says this to whatever it is asked."""
    released = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        if hangs:
            await released.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = SourceOptions(
        url=f"ldap://127.0.0.1:{port}/dc=example",
        query="(mail={sender})",
        values=("name=cn", "mail"),
        **options,  # type: ignore[arg-type]
    )
    inquiry: Inquiry = open_source("staff", made, Path("/"))
    try:
        return [dict(record) for record in await inquiry.ask(ANN)]
    finally:
        released.set()
        await inquiry.close()
        server.close()
        await server.wait_closed()


async def test_an_entry_is_a_record_whatever_the_case_of_its_attributes() -> None:
    assert await ask(GOOD) == [{"name": "Ann", "mail": "a@x, b@x"}]


async def test_as_many_as_were_asked_for_is_no_failure() -> None:
    limit = int(sansldap.LDAPResultCode.SIZE_LIMIT_EXCEEDED)
    assert await ask(answer({"cn": [b"A"]}, code=limit), rows=1) == [{"name": "A", "mail": ""}]


async def test_a_server_that_sends_more_than_it_was_asked_for_is_cut_short() -> None:
    assert len(await ask(answer(*[{"cn": [b"A"]}] * 50), rows=3)) == 3


async def test_an_attribute_of_many_values_is_cut_short() -> None:
    (record,) = await ask(answer({"cn": [b"x" * 400] * 100}))
    assert len(str(record["name"])) == 500


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"220 smtp.example.org ESMTP\r\n", "speaks no LDAP|ends before"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks no LDAP|ends before"),
        (b"\x30\x84\xff\xff\xff\xff" + b"x" * 2_000_000, "more than 1048576 octets"),
        (b"\x30\x03\x02\x01\x63", "speaks no LDAP|ends before"),
        (GOOD[:-3], "ends before"),
        (GOOD.replace(b"\x02\x01\x01", b"\x02\x01\x09"), "speaks no LDAP"),
        (b"", "ends before"),
        (answer(code=int(sansldap.LDAPResultCode.BUSY)), "BUSY"),
        (answer(code=int(sansldap.LDAPResultCode.NO_SUCH_OBJECT)), "has no dc=example"),
    ],
)
async def test_a_server_that_misbehaves_is_away(said: bytes, reason: str) -> None:
    with pytest.raises(SourceAway, match=reason):
        await ask(said)


async def test_half_an_answer_and_then_nothing_costs_the_time_limit() -> None:
    with pytest.raises(SourceAway, match="no answer within"):
        await ask(GOOD[:-3], hangs=True, timeout=0.2)


def test_a_filter_that_is_none_is_a_mistake_of_the_configuration() -> None:
    with pytest.raises(ValueError, match="query: is no filter"):
        LdapSource("ldap://h/", "", "", "(mail={sender}", WANTED, rows=1, timeout=1.0, tls=None)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.integers(0, len(GOOD) - 1), octet=st.integers(0, 255), more=st.binary(max_size=8))
def test_whatever_octet_is_wrong_it_is_an_answer_or_away(place: int, octet: int, more: bytes) -> None:
    said = GOOD[:place] + bytes([octet]) + more + GOOD[place + 1 :]

    async def attempt() -> None:
        try:
            records = await ask(said, hangs=False, timeout=5.0)
        except SourceAway:
            return
        assert all(isinstance(value, str) for record in records for value in record.values())

    asyncio.run(attempt())
