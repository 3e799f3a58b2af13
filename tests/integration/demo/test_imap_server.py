"""The demonstration's IMAP server is good enough for our own client and for those of agents."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]

from mailproc.demo.imap_server import serving
from mailproc.imap.client import ImapClient, ImapSettings
from mailproc.imap.failure import ImapRefused, LoginRefused
from mailproc.imap.mailbox import NewMail
from mailproc.imap.snapshot import Snapshot
from mailproc.imap.tree import FolderNames, Tree
from mailproc.imap.waker import Waker
from mailproc.model.folder import NEW, agents_place

PASSWORDS = {"alice": "wonder", "bob": "builder", "mailproc": "daemon"}
MAIL = b"From: carla@customer.example\r\nX-Mailproc-Id: m1.abcdefghij\r\n\r\nHello  \r\n"
COPY = "m1.abcdefghij"

Connect = Callable[..., Awaitable[ImapClient]]


@pytest.fixture
async def port() -> AsyncIterator[int]:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    async with serving(sock, PASSWORDS, "Support"):
        yield sock.getsockname()[1]


def settings(port: int, user: str = "mailproc", password: str = "") -> ImapSettings:
    return ImapSettings("127.0.0.1", port, user, password or PASSWORDS[user], tls="none", timeout=20)


@pytest.fixture
async def connect(port: int) -> AsyncIterator[Connect]:
    clients: list[ImapClient] = []

    async def connect(user: str = "mailproc", password: str = "") -> ImapClient:
        clients.append(ImapClient(settings(port, user, password)))
        await clients[-1].connect()
        return clients[-1]

    yield connect
    for client in clients:
        await client.close()


async def tree_of(client: ImapClient) -> Tree:
    places = [NEW, agents_place("alice"), agents_place("bob")]
    tree = Tree("Support", places, FolderNames(), client.namespaces)
    await tree.ensure(client)
    return tree


async def test_its_end_leaves_no_clients_task_behind() -> None:
    before = asyncio.all_tasks()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        async with serving(sock, PASSWORDS, "Support"):
            reader, writer = await asyncio.open_connection(*sock.getsockname())
            await reader.readline()
    assert asyncio.all_tasks() == before
    writer.close()
    await writer.wait_closed()


async def test_a_wrong_password_is_refused(connect: Connect) -> None:
    with pytest.raises(LoginRefused):
        await connect("alice", "wrong")
    with pytest.raises(LoginRefused):
        await connect("bob", PASSWORDS["alice"])


async def test_the_teams_folder_is_everybodys_and_subscribed(connect: Connect) -> None:
    daemon, alice = await connect(), await connect("alice")
    await tree_of(daemon)
    names = [folder.mailbox for folder in await alice.list_subscribed()]
    assert {"INBOX", "Support/New", "Support/@alice", "Support/@bob"} <= set(names)
    await daemon.append("Support/New", MAIL)
    (uid,) = (await alice.uids("Support/New")).uids
    stored = await alice.fetch("Support/New", uid)
    assert stored is not None
    assert stored.raw == MAIL


async def test_inbox_and_other_folders_are_ones_own(connect: Connect) -> None:
    alice, bob = await connect("alice"), await connect("bob")
    await alice.create("Sent")
    await alice.append("INBOX", MAIL)
    assert "Sent" not in [folder.mailbox for folder in await bob.list_folders()]
    assert (await bob.status("INBOX")).messages == 0
    with pytest.raises(ImapRefused):
        await bob.status("Sent")


async def test_a_move_is_seen_by_the_snapshot(connect: Connect) -> None:
    daemon, alice = await connect(), await connect("alice")
    tree = await tree_of(daemon)
    snapshot = Snapshot(daemon, tree)
    await daemon.append_many("Support/New", [NewMail(MAIL)])
    await snapshot.refresh()
    ((uid, copy),) = snapshot.mails(NEW).items()
    assert copy == COPY
    await alice.move("Support/New", [uid], "Support/@alice")
    await snapshot.refresh()
    assert not snapshot.mails(NEW)
    assert list(snapshot.mails(agents_place("alice")).values()) == [COPY]
    assert await daemon.find("Support/@alice", "X-Mailproc-Id", COPY)


async def test_two_moves_at_once_leave_one_mail(connect: Connect) -> None:
    daemon, alice, bob = await connect(), await connect("alice"), await connect("bob")
    await tree_of(daemon)
    await daemon.append("Support/New", MAIL)
    (uid,) = (await daemon.uids("Support/New")).uids
    moves = (agent.move("Support/New", [uid], f"Support/@{agent.settings.user}") for agent in (alice, bob))
    await asyncio.gather(*moves, return_exceptions=True)
    left = [len((await daemon.uids(f"Support/{name}")).uids) for name in ("New", "@alice", "@bob")]
    assert left[0] == 0
    assert sum(left) == 1


async def test_the_waker_is_woken_by_a_gesture(connect: Connect, port: int) -> None:
    daemon, alice = await connect(), await connect("alice")
    await tree_of(daemon)
    waker = Waker(settings(port), "Support", ["Support/New"], poll=3600)
    waker.start()
    try:
        async with asyncio.timeout(20):
            while not await waker.wait(0.2):
                await alice.append("Support/New", MAIL)
    finally:
        await waker.close()


async def test_keywords_are_kept(connect: Connect, port: int) -> None:
    daemon = await connect()
    await tree_of(daemon)
    await daemon.append("Support/New", MAIL)

    def flags() -> tuple[bytes, ...]:
        with IMAPClient("127.0.0.1", port, ssl=False) as thunderbird:
            thunderbird.login("alice", PASSWORDS["alice"])
            thunderbird.select_folder("Support/New")
            uids = thunderbird.search()
            thunderbird.add_flags(uids, ["$label1", "\\Seen"])
            return tuple(thunderbird.get_flags(uids)[uids[0]])

    assert {b"$label1", b"\\Seen"} <= set(await asyncio.to_thread(flags))


async def test_closing_an_examined_mailbox_is_no_error(connect: Connect, port: int) -> None:
    await tree_of(await connect())

    def close() -> str:
        with IMAPClient("127.0.0.1", port, ssl=False) as client:
            client.login("alice", PASSWORDS["alice"])
            client.select_folder("Support/New", readonly=True)
            return str(client.close_folder())

    assert "completed" in await asyncio.to_thread(close)
