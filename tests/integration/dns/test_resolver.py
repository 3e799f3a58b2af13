"""The resolver against a real name server, which answers, answers with nothing, or does not answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from mailproc.resolver import DnsResolver, parse_server, resolvers
from mailproc.stage import NoAnswer
from tests.integration.dns.conftest import NameServer

NAME = "s1._domainkey.example.com"


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def resolver(name_server: NameServer, clock: Clock) -> DnsResolver:
    return DnsResolver([name_server.address], monotonic=clock, patience=30.0)


@pytest.fixture
def impatient(name_server: NameServer, clock: Clock) -> DnsResolver:
    """For names that nobody answers for; where somebody does, it has time on a machine that is busy."""
    return DnsResolver([name_server.address], monotonic=clock, patience=0.7)


async def test_records_come_with_their_strings_joined(name_server: NameServer, resolver: DnsResolver) -> None:
    name_server.records = {NAME: ["v=DKIM1; p=" + "A" * 600, "other"], "x.example": []}
    assert set(await resolver.texts(NAME.upper() + ".")) == {b"v=DKIM1; p=" + b"A" * 600, b"other"}
    assert await resolver.texts("x.example") == ()
    assert await resolver.texts("nothing.example") == ()


async def test_what_is_too_large_for_a_datagram_comes_by_tcp(
    name_server: NameServer, resolver: DnsResolver
) -> None:
    name_server.records = {NAME: ["A" * 3000], "huge.example": ["A" * 20_000]}
    assert await resolver.texts(NAME) == (b"A" * 3000,)
    assert await resolver.texts("huge.example") == ()  # no key is that long
    assert name_server.by_tcp == 2


async def test_answers_are_kept_for_their_time_to_live(
    name_server: NameServer, resolver: DnsResolver, clock: Clock
) -> None:
    name_server.records = {NAME: ["one"]}
    assert [await resolver.texts(NAME) for _ in range(3)] == [(b"one",)] * 3
    assert len(name_server.asked) == 1
    name_server.records = {NAME: ["two"]}
    clock.now += 599
    assert await resolver.texts(NAME) == (b"one",)
    clock.now += 2
    assert await resolver.texts(NAME) == (b"two",)


@pytest.mark.parametrize(("ttl", "kept"), [(0, 60), (1_000_000, 3600)])
async def test_how_long_has_its_bounds(
    name_server: NameServer, resolver: DnsResolver, clock: Clock, ttl: int, kept: int
) -> None:
    name_server.records, name_server.ttl = {NAME: ["one"]}, ttl
    for seconds, asked in ((0, 1), (kept - 1, 1), (2, 2)):
        clock.now += seconds
        await resolver.texts(NAME)
        assert len(name_server.asked) == asked


async def test_those_who_wait_for_one_name_ask_once(name_server: NameServer, resolver: DnsResolver) -> None:
    name_server.records = {NAME: ["one"]}
    assert await asyncio.gather(*(resolver.texts(NAME) for _ in range(20))) == [(b"one",)] * 20
    assert name_server.asked == [NAME]


async def test_no_answer_is_neither_no_record_nor_asked_again_at_once(
    name_server: NameServer, impatient: DnsResolver, clock: Clock
) -> None:
    name_server.silent, name_server.broken = {NAME}, {"broken.example"}
    for name in (NAME, NAME, "broken.example", "broken.example"):
        with pytest.raises(NoAnswer):
            await impatient.texts(name)
    asked = len(name_server.asked)
    name_server.silent, name_server.records = set(), {NAME: ["one"]}
    with pytest.raises(NoAnswer):
        await impatient.texts(NAME)
    assert len(name_server.asked) == asked
    clock.now += 31
    assert await impatient.texts(NAME) == (b"one",)


async def test_who_waits_no_longer_loses_nothing_for_the_next(
    name_server: NameServer, resolver: DnsResolver
) -> None:
    name_server.records = {NAME: ["one"]}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await resolver.texts(NAME)
    assert await resolver.texts(NAME) == (b"one",)
    assert len(name_server.asked) <= 1


async def test_dead_domains_do_not_silence_the_others(
    name_server: NameServer, impatient: DnsResolver
) -> None:
    """A sender may name as many of them as he likes."""
    names = [f"{number}.evil.example" for number in range(8)]
    name_server.silent, name_server.records = set(names), {NAME: ["one"]}
    for name in names:
        with pytest.raises(NoAnswer):
            await impatient.texts(name)
    assert await impatient.texts(NAME) == (b"one",)


async def test_a_dead_server_is_left_alone_for_a_minute(
    name_server: NameServer, impatient: DnsResolver, clock: Clock
) -> None:
    name_server.is_dead, name_server.records = True, {NAME: ["one"]}
    for number in range(5):
        with pytest.raises(NoAnswer):
            await impatient.texts(f"{number}.example")
    asked = len(name_server.asked)
    name_server.is_dead = False
    with pytest.raises(NoAnswer):
        await impatient.texts(NAME)
    assert len(name_server.asked) == asked
    clock.now += 61
    assert await impatient.texts(NAME) == (b"one",)


async def test_whether_a_server_answers_at_all(name_server: NameServer, impatient: DnsResolver) -> None:
    assert await impatient.is_alive()
    name_server.broken = {"."}
    assert not await impatient.is_alive()
    name_server.is_dead = True
    assert not await impatient.is_alive()


async def test_nobody_listens(clock: Clock) -> None:
    with pytest.raises(NoAnswer):
        await DnsResolver(["127.0.0.1:1"], monotonic=clock, patience=0.3).texts(NAME)


@pytest.mark.parametrize("name", ["", "a..b", "x" * 300, "\udcff.example", "a b.example", "*.example"])
async def test_a_name_that_is_none_has_no_records(resolver: DnsResolver, name: str) -> None:
    assert await resolver.texts(name) == ()


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_servers_are_addresses(text: str, server: tuple[str, int]) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize("text", ["", "ns.example.org", "192.0.2.1:0", "192.0.2.1:99999", "192.0.2", "[::1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no IP address"):
        parse_server(text)


def test_who_asks_the_same_servers_shares_a_resolver() -> None:
    make = resolvers()
    assert make(("192.0.2.1",)) is make(("192.0.2.1",)) is not make(())
