"""A desk's mailboxes on a real server: names, separators, rights."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from mailproc.imap.client import ImapClient
from mailproc.imap.failure import ImapRefused
from mailproc.imap.tree import FolderNames, Tree
from mailproc.model.folder import CLOSED, NEW, Place, agents_place, shelf
from tests.rig.dovecot import Dovecot

Connected = Callable[..., Awaitable[ImapClient]]

PLACES = (NEW, agents_place("alice"), agents_place("bob.b"), shelf("1d"), CLOSED)
GERMAN = FolderNames(new="Zu erledigen", closed="Abgeschloßen & tschüß", snoozed="Später")


@pytest.mark.parametrize("separator", ["/", "."])
async def test_what_is_missing_is_made_and_subscribed_once(
    make_dovecot: Callable[..., Dovecot], connected: Connected, separator: str
) -> None:
    dovecot = make_dovecot(separator=separator)
    client = await connected(dovecot)
    tree = Tree("Support", PLACES, GERMAN, client.namespaces)
    assert await tree.ensure(client) == PLACES
    assert await tree.ensure(client) == ()
    with dovecot.client("alice") as alice:
        seen = {name for flags, _, name in alice.list_folders() if rb"\Noselect" not in flags}
    names = ("Zu erledigen", "@alice", "@bob_b", f"Später{separator}1d", "Abgeschloßen & tschüß")
    assert seen >= {f"Support{separator}{name}" for name in names}
    subscribed = {folder.mailbox for folder in await client.list_subscribed("Support*")}
    assert subscribed >= set(tree.mailboxes.values())
    assert [tree.place(mailbox) for mailbox in tree.mailboxes.values()] == [*PLACES]


async def test_a_desk_may_lie_deeper(client: ImapClient) -> None:
    tree = Tree("Support/Zweite Linie", [NEW], FolderNames(), client.namespaces)
    await tree.ensure(client)
    uid = await client.append(tree.mailbox(NEW), b"Subject: x\r\n\r\n")
    assert uid == 1
    assert tree.mailbox(NEW) == "Support/Zweite Linie/New"


async def test_only_what_is_missing_is_made(client: ImapClient) -> None:
    """``client`` has made New."""
    tree = Tree("Support", [NEW, Place("spam")], FolderNames(), client.namespaces)
    assert await tree.ensure(client) == (Place("spam"),)


async def test_without_the_right_to_make_them_it_is_refused(dovecot: Dovecot, connected: Connected) -> None:
    """Mailboxes that are hidden from us look as if they were missing; they are not taken for empty."""
    await (client := await connected(dovecot)).create("Support/New")
    dovecot.give("Support", rights="user=alice lrswite\n")
    client = await connected(dovecot)
    with pytest.raises(ImapRefused):
        await Tree("Support", [NEW], FolderNames(), client.namespaces).ensure(client)
