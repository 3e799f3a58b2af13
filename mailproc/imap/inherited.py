"""Where the watcher of a folder before this one may still put copies.

A fence keeps a watcher whose lease has ended from writing to the store.  Nothing keeps the server from doing
what it asked for: a worker that was frozen between its decision and its MOVE sends that when it goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from mailproc.model.folder import Place
from mailproc.store.folders import CopyRecord

LATE = 300.0  # seconds after which such a write is not expected any more

_NONE: Mapping[str, Place] = MappingProxyType({})


class Inherited:
    """The aims that were on record when this watcher took over, at ``since``, by the names of the copies."""

    def __init__(self, records: Iterable[CopyRecord] = (), since: float = 0.0) -> None:
        self._aims = {record.name: record.aim for record in records if record.aim}
        self._until = since + LATE

    def aims(self, now: float) -> Mapping[str, Place]:
        """None any more after a while: from then on what lies there was moved by an agent."""
        return self._aims if now < self._until else _NONE
