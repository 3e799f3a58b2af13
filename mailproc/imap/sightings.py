"""Which copy is where: the folder as it is seen, by the names of the copies.

Only a name with a MAC of ours counts; everything else in the folder is a stranger: a mail that somebody
dragged in from elsewhere, or one that only pretends to be a copy of ours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from mailproc.imap.reconcile import Sight
from mailproc.model.folder import Place
from mailproc.model.mac import Keyring


class Sightings:
    """Brought up to date place by place, so that a large folder costs as much as what changed in it."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._headers: dict[Place, Mapping[int, str]] = {}
        self._seen: dict[str, tuple[Sight, ...]] = {}
        self._strangers: dict[Sight, str] = {}

    @property
    def seen(self) -> Mapping[str, tuple[Sight, ...]]:
        """Where each copy lies; names that lie nowhere are left out."""
        return MappingProxyType(self._seen)

    def certain(self, unreadable: Collection[Place]) -> Mapping[str, tuple[Sight, ...]]:
        """``seen`` while some places cannot be read: a copy that was seen elsewhere has left them.

        What lay there when it could be read is still told of a copy that lies nowhere else: it is not
        missing.  Beside a copy elsewhere it would look like one that an agent had put back.
        """
        if not unreadable:
            return self.seen
        readable = {name: _outside(unreadable, sights) for name, sights in self._seen.items()}
        return {name: readable[name] or sights for name, sights in self._seen.items()}

    @property
    def strangers(self) -> Mapping[Sight, str]:
        """Mails that are no copies of ours, with what stands in their X-Mailproc-Id: "" for nothing."""
        return MappingProxyType(self._strangers)

    def forget(self) -> None:
        """Let go of every copy."""
        for known in (self._headers, self._seen, self._strangers):
            known.clear()

    def update(self, place: Place, headers: Mapping[int, str]) -> set[str]:
        """A place holds these mails now; the names of the copies that came or went.

        ``headers``, the X-Mailproc-Id of each by its UID, is kept and must not change any more.
        """
        before = self._headers.get(place, {})
        self._headers[place] = headers
        gone = [self._remove(Sight(place, uid), header) for uid, header in _others(before, headers)]
        come = [self._add(Sight(place, uid), header) for uid, header in sorted(_others(headers, before))]
        return {name for name in (*gone, *come) if name is not None}

    def _remove(self, sight: Sight, header: str) -> str | None:
        name = self._name(header)
        if name is None:
            self._strangers.pop(sight, None)
            return None
        left = tuple(each for each in self._seen.get(name, ()) if each != sight)
        if left:
            self._seen[name] = left
        else:
            self._seen.pop(name, None)
        return name

    def _add(self, sight: Sight, header: str) -> str | None:
        name = self._name(header)
        if name is None:
            self._strangers[sight] = header
        else:
            self._seen[name] = (*self._seen.get(name, ()), sight)
        return name

    def _name(self, header: str) -> str | None:
        return self._keyring.read_folder_id(header) if header else None


def _others(headers: Mapping[int, str], beside: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    """What only the first one has; sets of all mails would take more memory than what is known of them."""
    return ((uid, header) for uid, header in headers.items() if beside.get(uid) != header)


def _outside(places: Collection[Place], sights: tuple[Sight, ...]) -> tuple[Sight, ...]:
    return tuple(sight for sight in sights if sight.place not in places)
