"""The watcher is woken by what agents do, however the server tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from imapclient import IMAPClient  # type: ignore[import-untyped]

from mailproc.imap.client import ImapClient
from mailproc.imap.waker import Waker
from tests.peers.imap.conftest import copy, settings
from tests.rig.dovecot import Dovecot

Connected = Callable[..., Awaitable[ImapClient]]
MakeWaker = Callable[..., Waker]

NEW, ALICE = "Support/New", "Support/@alice"
DEADLINE = 60.0  # seconds; a pass takes half a second on Dovecot


@pytest_asyncio.fixture
async def make_waker() -> AsyncIterator[MakeWaker]:
    """Makes wakers that listen."""
    made: list[Waker] = []

    def make(dovecot: Dovecot, *, poll: float = 3600.0, renew: float = 240.0) -> Waker:
        waker = Waker(settings(dovecot), "Support", [NEW, ALICE], poll=poll, renew=renew)
        made.append(waker)
        waker.start()
        return waker

    yield make
    for waker in made:
        await waker.close()


@pytest_asyncio.fixture
async def folders(connected: Connected) -> Callable[[Dovecot], Awaitable[ImapClient]]:
    async def folders(dovecot: Dovecot) -> ImapClient:
        client = await connected(dovecot)
        await client.create(NEW)
        await client.create(ALICE)
        return client

    return folders


async def is_listening(dovecot: Dovecot, waker: Waker, connections: int) -> None:
    """Until so many connections listen, and what they told of the beginning is over."""
    async with asyncio.timeout(DEADLINE):
        while dovecot.doveadm("who", "-1", "mailproc").count("imap") < connections + 1:
            await waker.wait(0.1)
        while await waker.wait(1.0):
            pass


async def woken(waker: Waker) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await waker.wait(DEADLINE):
            pass


@pytest.mark.parametrize(("hide", "connections"), [((), 2), (("NOTIFY",), 2)], ids=["NOTIFY", "IDLE"])
async def test_an_append_a_move_and_a_flag_wake(
    make_dovecot: Callable[..., Dovecot],
    folders: Callable[[Dovecot], Awaitable[ImapClient]],
    make_waker: MakeWaker,
    log_in: Callable[[Dovecot, str], IMAPClient],
    hide: tuple[str, ...],
    connections: int,
) -> None:
    dovecot = make_dovecot(hide=hide)
    client = await folders(dovecot)
    waker = make_waker(dovecot)
    await is_listening(dovecot, waker, connections)
    await client.append(NEW, copy(1))
    await woken(waker)
    await is_listening(dovecot, waker, connections)
    alice = log_in(dovecot, "alice")
    alice.select_folder(NEW)
    alice.add_flags([1], [rb"\Flagged"])
    await woken(waker)
    await is_listening(dovecot, waker, connections)
    alice.move([1], ALICE)
    await woken(waker)


async def test_a_deleted_mailbox_wakes(
    dovecot: Dovecot, folders: Callable[[Dovecot], Awaitable[ImapClient]], make_waker: MakeWaker
) -> None:
    await folders(dovecot)
    waker = make_waker(dovecot)
    await is_listening(dovecot, waker, 2)
    dovecot.doveadm("mailbox", "delete", "-u", "mailproc", ALICE)
    await woken(waker)


async def test_a_lost_connection_wakes_once_and_is_made_again(
    dovecot: Dovecot, folders: Callable[[Dovecot], Awaitable[ImapClient]], make_waker: MakeWaker
) -> None:
    client = await folders(dovecot)
    waker = make_waker(dovecot)
    await is_listening(dovecot, waker, 2)
    dovecot.restart()
    await woken(waker)
    await client.connect()
    await is_listening(dovecot, waker, 2)
    await client.append(NEW, copy(1))
    await woken(waker)


async def test_silence_renews_and_goes_on(
    make_dovecot: Callable[..., Dovecot],
    folders: Callable[[Dovecot], Awaitable[ImapClient]],
    make_waker: MakeWaker,
) -> None:
    """IDLE ends after a while (RFC 2177), NOTIFY is followed by NOOP; neither is taken for news."""
    for hide, connections in (((), 2), (("NOTIFY",), 2)):
        dovecot = make_dovecot(hide=hide)
        client = await folders(dovecot)
        waker = make_waker(dovecot, renew=2.0)
        await is_listening(dovecot, waker, connections)
        await client.append(NEW, copy(1))
        await woken(waker)


async def test_without_notify_and_idle_it_is_looked_every_few_seconds(
    make_dovecot: Callable[..., Dovecot], make_waker: MakeWaker
) -> None:
    waker = make_waker(make_dovecot(hide=["NOTIFY", "IDLE"]), poll=0.05)
    async with asyncio.timeout(DEADLINE):
        assert not await waker.wait(3600.0)


async def test_with_no_server_it_is_looked_every_few_seconds(dovecot: Dovecot, make_waker: MakeWaker) -> None:
    dovecot.down()
    waker = make_waker(dovecot, poll=0.05)
    async with asyncio.timeout(DEADLINE):
        while await waker.wait(3600.0):
            pass


async def test_close_does_not_wait_for_a_server_that_hangs(
    dovecot: Dovecot, folders: Callable[[Dovecot], Awaitable[ImapClient]], make_waker: MakeWaker
) -> None:
    await folders(dovecot)
    waker = make_waker(dovecot)
    await is_listening(dovecot, waker, 2)
    dovecot.freeze()
    async with asyncio.timeout(DEADLINE):
        await waker.close()


@pytest.mark.parametrize("hide", [(), ("NOTIFY",)], ids=["NOTIFY", "IDLE"])
async def test_close_ends_also_while_connections_are_being_lost(
    make_dovecot: Callable[..., Dovecot],
    folders: Callable[[Dovecot], Awaitable[ImapClient]],
    make_waker: MakeWaker,
    hide: tuple[str, ...],
) -> None:
    """A group of tasks that fails while it is cancelled tells only of the failure."""
    dovecot = make_dovecot(hide=hide)
    await folders(dovecot)
    waker = make_waker(dovecot)
    await is_listening(dovecot, waker, 2)
    listening = asyncio.all_tasks() - {asyncio.current_task()}
    killing = asyncio.create_task(asyncio.to_thread(dovecot.kill))
    async with asyncio.timeout(DEADLINE):
        await asyncio.wait(listening, return_when=asyncio.FIRST_COMPLETED)
        await waker.close()
        await killing
