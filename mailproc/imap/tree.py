"""The mailboxes of one desk's folder: where each place is on this server, and which place a mailbox is.

A place (``model/folder.py``) is called the same everywhere; its mailbox depends on the desk's folder, on the
names that a site has chosen, and on the server's separator.  ``/`` in a folder and in a place is the border
of two levels, whatever the server's own is.  A dot within a name becomes ``_`` (agent ``a.b``): many servers
cannot have it, as it divides their folders on disk.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailproc.imap.mailbox import Namespace
from mailproc.model.folder import Place, agent_of

if TYPE_CHECKING:  # a check of the configuration needs no IMAP client
    from mailproc.imap.client import ImapClient


@dataclass(frozen=True, slots=True)
class FolderNames:
    """What a site calls its places.  ``agent`` stands before an agent's name."""

    new: str = "New"
    answered: str = "Answered"
    snoozed: str = "Snoozed"
    closed: str = "Closed"
    spam: str = "Spam"
    problem: str = "Problem"
    canned: str = "Canned"
    review: str = "Review"
    approved: str = "Approved"
    agent: str = "@"


class Tree:
    """The places of one desk on one server; ``namespaces`` are those of a connected client."""

    def __init__(
        self, folder: str, places: Iterable[Place], names: FolderNames, namespaces: Sequence[Namespace]
    ) -> None:
        namespace = _namespace_of(folder, namespaces)
        self.separator = namespace.separator
        self.root = _rooted(_normal(folder), namespace)
        self._mailboxes = _without_twins({place: self._path(_levels(place, names)) for place in places})
        self._places = {mailbox: place for place, mailbox in self._mailboxes.items()}

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(self._mailboxes)

    @property
    def mailboxes(self) -> Mapping[Place, str]:
        return self._mailboxes

    def mailbox(self, place: Place) -> str:
        """KeyError for a place that this desk has not."""
        return self._mailboxes[place]

    def place(self, mailbox: str) -> Place | None:
        """None for a mailbox that is none of ours."""
        return self._places.get(_normal(mailbox))

    async def ensure(self, client: ImapClient) -> tuple[Place, ...]:
        """Make and subscribe what is missing; the places that were made.

        ImapRefused where the server lets us not: then a place that seems empty may only be hidden from us.
        """
        present = {
            folder.mailbox for folder in await client.list_folders(f"{self.root}*") if folder.selectable
        }
        subscribed = {folder.mailbox for folder in await client.list_subscribed(f"{self.root}*")}
        made = []
        for place, mailbox in self._mailboxes.items():
            if mailbox not in present:
                await client.create(mailbox)
                made.append(place)
            if mailbox not in subscribed:
                await client.subscribe(mailbox)
        return tuple(made)

    def _path(self, levels: Sequence[str]) -> str:
        if not self.separator:  # a flat namespace
            return "-".join((self.root, *levels))
        return self.separator.join((self.root, *(_plain(level, self.separator) for level in levels)))


def _plain(level: str, separator: str) -> str:
    return level.replace(".", "_").replace(separator, "_")


def _levels(place: Place, names: FolderNames) -> list[str]:
    """The names below the desk's folder, from above: ``snoozed/1d`` is ``Snoozed`` and ``1d``."""
    if agent := agent_of(place):
        return [_normal(names.agent + agent)]
    first, *rest = place.split("/")
    return [_normal(getattr(names, first)), *rest]


def _namespace_of(folder: str, namespaces: Sequence[Namespace]) -> Namespace:
    """The one with the longest prefix that the folder lies below; else our own."""
    fitting = [
        namespace for namespace in namespaces if _below(folder, namespace).startswith(namespace.prefix)
    ]
    if fitting:
        return max(fitting, key=lambda namespace: len(namespace.prefix))
    return namespaces[0]


def _below(folder: str, namespace: Namespace) -> str:
    """The folder as it is called there, and a separator, because ``Support`` itself is below ``Support/``."""
    return folder.replace("/", namespace.separator or "/") + namespace.separator


def _rooted(folder: str, namespace: Namespace) -> str:
    path = folder.replace("/", namespace.separator or "-")
    return path if _below(folder, namespace).startswith(namespace.prefix) else namespace.prefix + path


def _without_twins(mailboxes: Mapping[Place, str]) -> dict[Place, str]:
    """Names that have become the same are told apart: agents ``a.b`` and ``a_b`` on a server with dots."""
    taken: set[str] = set()
    apart = {}
    for place, mailbox in mailboxes.items():
        while mailbox in taken:
            mailbox += "_"
        taken.add(mailbox)
        apart[place] = mailbox
    return apart


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)
