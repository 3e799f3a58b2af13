"""What is known of the folder by looking at what changed is what a look at everything shows."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import pytest
from imapclient import IMAPClient  # type: ignore[import-untyped]

from mailproc.imap.client import ImapClient
from mailproc.imap.snapshot import Snapshot
from mailproc.imap.tree import FolderNames, Tree
from mailproc.model.folder import CLOSED, NEW, SPAM, Place, agents_place
from tests.peers.imap.conftest import copy
from tests.rig.dovecot import Dovecot

Connected = Callable[..., Awaitable[ImapClient]]
LogIn = Callable[[Dovecot, str], IMAPClient]

ALICE = agents_place("alice")
PLACES = (NEW, ALICE, agents_place("bob"), CLOSED, SPAM)


async def tree_of(client: ImapClient) -> Tree:
    tree = Tree("Support", PLACES, FolderNames(), client.namespaces)
    await tree.ensure(client)
    return tree


class Agent:
    """Does anything that a mail client can do to the folder."""

    def __init__(self, client: IMAPClient, tree: Tree, chance: random.Random) -> None:
        self._client = client
        self._tree = tree
        self._chance = chance
        self._number = 0

    def act(self, *, marks: bool) -> None:
        gestures = [self.append, self.append, self.move, self.copy_and_expunge, self.make_anew]
        self._chance.choice([*gestures, self.mark, self.unmark] if marks else gestures)()

    def append(self) -> None:
        self._number += 1
        self._client.append(self._mailbox(), copy(self._number))

    def move(self) -> None:
        if uids := self._some():
            self._client.move(uids, self._mailbox())

    def copy_and_expunge(self) -> None:
        if uids := self._some():
            self._client.copy(uids, self._mailbox())
            self._client.delete_messages(uids)
            self._client.uid_expunge(uids)

    def mark(self) -> None:
        self._client.delete_messages(self._some())

    def unmark(self) -> None:
        self._some()
        self._client.remove_flags(self._client.search("DELETED"), [rb"\Deleted"])

    def make_anew(self) -> None:
        """Rarely."""
        mailbox = self._mailbox()
        if self._chance.random() < 0.3:
            self._client.select_folder("INBOX")
            self._client.delete_folder(mailbox)
            self._client.create_folder(mailbox)

    def _mailbox(self) -> str:
        return self._tree.mailbox(self._chance.choice(PLACES))

    def _some(self) -> list[int]:
        self._client.select_folder(self._mailbox())
        found = self._client.search("ALL")
        return self._chance.sample(found, min(len(found), self._chance.randint(1, 3)))


def everything(snapshot: Snapshot) -> dict[Place, dict[int, str]]:
    return {place: dict(snapshot.mails(place)) for place in snapshot.tree.places}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("hide", [(), ("CONDSTORE", "QRESYNC", "LIST-STATUS")], ids=["all", "poor"])
async def test_a_delta_equals_a_fresh_look(
    make_dovecot: Callable[..., Dovecot],
    connected: Connected,
    log_in: LogIn,
    hide: tuple[str, ...],
    seed: int,
) -> None:
    dovecot = make_dovecot(hide=hide)
    client = await connected(dovecot)
    tree = await tree_of(client)
    snapshot = Snapshot(client, tree)
    agent = Agent(log_in(dovecot, "mailproc"), tree, random.Random(seed))
    for _ in range(25):
        for _ in range(agent._chance.randint(1, 4)):
            agent.act(marks=not hide)
        before = everything(snapshot)
        changed = await snapshot.refresh()
        fresh = Snapshot(client, tree)
        await fresh.refresh()
        assert everything(snapshot) == everything(fresh)
        assert {place for place in PLACES if snapshot.mails(place) != before[place]} <= changed
        assert [snapshot.uidvalidity(place) for place in PLACES] == [
            fresh.uidvalidity(place) for place in PLACES
        ]


async def test_without_condstore_a_full_look_sees_marks(
    make_dovecot: Callable[..., Dovecot], connected: Connected, log_in: LogIn
) -> None:
    dovecot = make_dovecot(hide=["CONDSTORE", "QRESYNC"])
    client = await connected(dovecot)
    tree = await tree_of(client)
    snapshot = Snapshot(client, tree)
    await client.append(tree.mailbox(NEW), copy(1))
    await snapshot.refresh()
    alice = log_in(dovecot, "alice")
    alice.select_folder(tree.mailbox(NEW))
    alice.delete_messages([1])
    assert await snapshot.refresh(full=True) == {NEW}
    assert snapshot.mails(NEW) == {}


async def test_a_copy_that_comes_marked_as_deleted_counts_and_loses_the_mark(
    client: ImapClient, alice: IMAPClient
) -> None:
    """COPY keeps flags, and another agent's client had marked the source: what it marks later is its will."""
    tree = await tree_of(client)
    snapshot = Snapshot(client, tree)
    await client.append(tree.mailbox(NEW), copy(1))
    await snapshot.refresh()
    alice.select_folder(tree.mailbox(NEW))
    alice.delete_messages([1])
    alice.copy([1], tree.mailbox(ALICE))
    alice.append(tree.mailbox(ALICE), b"Subject: mine\r\n\r\n", [rb"\Deleted"])
    assert await snapshot.refresh() == {NEW, ALICE}
    assert (snapshot.mails(NEW), snapshot.mails(ALICE)) == ({}, {1: "m1.abcdefghij"})
    alice.select_folder(tree.mailbox(ALICE))
    assert alice.search("DELETED") == [2]
    alice.delete_messages([1])
    assert await snapshot.refresh() == {ALICE}
    assert snapshot.mails(ALICE) == {}
    assert alice.search("DELETED") == [1, 2]


async def test_nothing_is_asked_of_a_folder_that_is_as_it_was(client: ImapClient) -> None:
    tree = await tree_of(client)
    snapshot = Snapshot(client, tree)
    await client.append(tree.mailbox(NEW), copy(1))
    assert await snapshot.refresh() == {NEW}
    assert await snapshot.refresh() == frozenset()
    assert await snapshot.refresh(full=True) == frozenset()
    assert snapshot.mails(NEW) == {1: "m1.abcdefghij"}


async def test_a_mail_without_our_name_has_an_empty_one(client: ImapClient) -> None:
    """Somebody dragged it in."""
    tree = await tree_of(client)
    snapshot = Snapshot(client, tree)
    await client.append(tree.mailbox(NEW), b"Message-ID: <x@private.example>\r\nSubject: Hi\r\n\r\nHi\r\n")
    await client.append(tree.mailbox(NEW), b"\r\nno header at all\r\n")
    await snapshot.refresh()
    assert snapshot.mails(NEW) == {1: "", 2: ""}


async def test_a_deleted_mailbox_is_missing_and_empty(client: ImapClient, dovecot: Dovecot) -> None:
    tree = await tree_of(client)
    snapshot = Snapshot(client, tree)
    await client.append(tree.mailbox(NEW), copy(1))
    await snapshot.refresh()
    dovecot.doveadm("mailbox", "delete", "-u", "mailproc", tree.mailbox(NEW))
    assert await snapshot.refresh() == {NEW}
    assert snapshot.missing == {NEW}
    assert snapshot.mails(NEW) == {}
    await tree.ensure(client)
    await client.append(tree.mailbox(NEW), copy(2))
    assert await snapshot.refresh() == {NEW}
    assert snapshot.missing == frozenset()
    assert snapshot.mails(NEW) == {1: "m2.abcdefghij"}


async def test_a_mailbox_that_may_not_be_read_keeps_what_was_seen(
    client: ImapClient, dovecot: Dovecot, connected: Connected
) -> None:
    """Else its mails would be taken for deleted, and put somewhere again."""
    tree = await tree_of(client)
    snapshot = Snapshot(client, tree)
    await client.append(tree.mailbox(NEW), copy(1))
    await snapshot.refresh()
    dovecot.give("Support", rights="user=mailproc l\n")
    snapshot.client = await connected(dovecot)
    assert await snapshot.refresh() == frozenset()
    assert set(snapshot.unreadable) == set(PLACES)
    assert snapshot.missing == frozenset()
    assert snapshot.mails(NEW) == {1: "m1.abcdefghij"}


async def test_a_place_that_was_never_seen_is_empty(client: ImapClient) -> None:
    snapshot = Snapshot(client, await tree_of(client))
    assert snapshot.mails(Place("new")) == {}
    assert snapshot.uidvalidity(NEW) == 0
