"""Offices: a store, a worker, a relay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailproc.store.sqlite import open_sqlite
from tests.rig.outbox_office import MakeOffice, Office
from tests.rig.scripted_relay import ScriptedRelay


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[MakeOffice]:
    made: list[Office] = []
    peers: list[ScriptedRelay] = []

    async def make(script: dict[str, list[str]] | None = None) -> Office:
        peer = ScriptedRelay(script or {})
        await peer.start()
        peers.append(peer)
        made.append(Office(open_sqlite(tmp_path / "mail.db"), peer))
        return made[-1]

    yield make
    for each in made:
        await each.stop()
        await each.store.close()
    for peer in peers:
        await peer.stop()
