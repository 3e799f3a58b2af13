"""Places and mailboxes: whatever the server's separator and the site's language."""

from __future__ import annotations

import pytest

from mailproc.imap.mailbox import Namespace
from mailproc.imap.tree import FolderNames, Tree
from mailproc.model.folder import NEW, REVIEW, Place, agents_place, shelf

SLASH = (Namespace("", "/"),)
PLACES = (NEW, agents_place("alice"), shelf("1d"), REVIEW)


def mailboxes(
    folder: str = "Support",
    namespaces: tuple[Namespace, ...] = SLASH,
    names: FolderNames | None = None,
    places: tuple[Place, ...] = PLACES,
) -> list[str]:
    return [*Tree(folder, places, names or FolderNames(), namespaces).mailboxes.values()]


def test_names_as_they_are_by_default() -> None:
    assert mailboxes() == ["Support/New", "Support/@alice", "Support/Snoozed/1d", "Support/Review"]


def test_names_as_a_site_has_chosen() -> None:
    names = FolderNames(new="Neu", snoozed="Später", review="Durchsicht", agent="bei ")
    assert mailboxes(names=names) == [
        "Support/Neu",
        "Support/bei alice",
        "Support/Später/1d",
        "Support/Durchsicht",
    ]


@pytest.mark.parametrize(
    ("folder", "namespaces", "new"),
    [
        ("Support", (Namespace("", "."),), "Support.New"),
        ("Team/Support", (Namespace("", "."),), "Team.Support.New"),
        ("Team.Support", (Namespace("", "."),), "Team.Support.New"),
        ("Support", (Namespace("INBOX.", "."),), "INBOX.Support.New"),
        ("INBOX.Support", (Namespace("INBOX.", "."),), "INBOX.Support.New"),
        ("INBOX/Support", (Namespace("INBOX.", "."),), "INBOX.Support.New"),
        ("Support", (Namespace("", "/"), Namespace("Support/", "/")), "Support/New"),
        ("shared/Support", (Namespace("INBOX.", "."), Namespace("shared/", "/")), "shared/Support/New"),
        ("Support", (Namespace("", ""),), "Support-New"),
    ],
)
def test_the_desks_folder_in_the_servers_tree(
    folder: str, namespaces: tuple[Namespace, ...], new: str
) -> None:
    assert mailboxes(folder, namespaces, places=(NEW,)) == [new]


@pytest.mark.parametrize("separator", ["/", "."])
def test_a_dot_in_a_name_divides_nothing(separator: str) -> None:
    places = (agents_place("alice.ang"),)
    assert mailboxes(namespaces=(Namespace("", separator),), places=places) == [
        f"Support{separator}@alice_ang"
    ]


def test_every_place_has_a_mailbox_of_its_own() -> None:
    """Though a check of the configuration refuses such names."""
    places = (agents_place("a.b"), agents_place("a_b"))
    assert mailboxes(places=places) == ["Support/@a_b", "Support/@a_b_"]


def test_a_mailbox_is_a_place_or_none_of_ours() -> None:
    tree = Tree("Support", PLACES, FolderNames(snoozed="Später"), SLASH)
    assert [tree.place(tree.mailbox(place)) for place in tree.places] == [*PLACES]
    assert tree.place("Support/Spa\u0308ter/1d") == shelf("1d")  # the same letters, composed otherwise
    assert tree.place("Support/Archive") is None
    assert tree.place("INBOX") is None
