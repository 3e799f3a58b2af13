"""One of all workers does what only one may do, and another goes on when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailproc.desk.turn import HANDOVER, LEASE, FencedStore, Turn, TurnOver
from mailproc.store.protocol import Store
from mailproc.store.sqlite import open_sqlite
from tests.rig.pipe import MovableLoop, settle
from tests.unit.desk.office import START, Clock, MakeOffice, Office

STEP = 0.25  # seconds of a loop that is moved
SECONDS = 0.06  # of the loop, where a third of it passes between two renewals
TEN_YEARS = 10 * 365 * 86400.0


@dataclass
class Worker:
    """Works by doing nothing; ``began`` and ``ended`` tell of its first turn."""

    office: Office
    name: str
    clock: Clock
    began: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, _store: Store) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        turn = Turn(self.office.store, "clock", self.name, self.clock, SECONDS)
        task = asyncio.create_task(turn.work([self.serve]))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_one_works_and_the_other_goes_on_when_it_ends(make_office: MakeOffice) -> None:
    office, clock = await make_office(), Clock()
    one, two = Worker(office, "1", clock), Worker(office, "2", clock)
    async with two.at_work():
        await two.began.wait()
        async with one.at_work():
            assert not await office.store.read(lambda tx: tx.leases.is_free("clock", "1", clock.now))
            assert not one.began.is_set()
    async with one.at_work():
        await one.began.wait()
    assert await office.store.read(lambda tx: tx.leases.held(clock.now)) == []


async def newcomers_turn(path: Path, loop: MovableLoop, *, waits: float) -> float:
    """Seconds until a worker has a lease that another gave up when it had waited so long for it."""
    store, clock = open_sqlite(path), Clock()
    token = await store.write(lambda tx: tx.leases.acquire("clock", "old", clock.now, clock.now + 600))
    assert token is not None
    began = asyncio.Event()

    async def serve(_store: Store) -> None:
        began.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(Turn(store, "clock", "new", clock, LEASE).work([serve]))
    await settle()
    while loop.time() < waits:
        await loop.move(STEP)
    await store.write(lambda tx: tx.leases.release("clock", token))
    given_up = loop.time()
    while not began.is_set():
        await loop.move(STEP)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await store.close()
    return loop.time() - given_up


@pytest.mark.parametrize("waits", [0.0, 5.0, HANDOVER - LEASE])
def test_who_is_new_takes_over_within_a_second(tmp_path: Path, waits: float) -> None:
    """As after a reload: the old worker goes when nobody needs it any more."""
    with asyncio.Runner(loop_factory=MovableLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, MovableLoop)
        assert runner.run(newcomers_turn(tmp_path / "store.db", loop, waits=waits)) <= 1.0


async def test_a_dead_workers_lease_ends_and_its_own_name_has_it_back_at_once(
    make_office: MakeOffice,
) -> None:
    office, clock = await make_office(), Clock()
    await office.store.write(lambda tx: tx.leases.acquire("clock", "dead", clock.now, clock.now + 15))
    again = Worker(office, "dead", clock)
    async with again.at_work():
        await again.began.wait()
    await office.store.write(lambda tx: tx.leases.acquire("clock", "dead", clock.now, clock.now + 15))
    clock.now += 15
    other = Worker(office, "other", clock)
    async with other.at_work():
        await other.began.wait()


async def test_a_lease_from_before_the_clock_was_put_back_keeps_nobody_out(make_office: MakeOffice) -> None:
    office, clock = await make_office(), Clock()
    ahead = START + TEN_YEARS
    await office.store.write(lambda tx: tx.leases.acquire("clock", "dead", ahead, ahead + 15))
    other = Worker(office, "other", clock)
    async with other.at_work():
        await other.began.wait()


async def test_who_slept_past_its_lease_writes_nothing_and_stops(make_office: MakeOffice) -> None:
    office, clock = await make_office(), Clock()
    sleeper = Worker(office, "sleeper", clock)
    async with sleeper.at_work():
        await sleeper.began.wait()
        held = await office.store.read(lambda tx: tx.leases.held(clock.now))
        assert [name for name, _ in held] == ["clock"]
        late = clock.now + 3600
        token = await office.store.write(lambda tx: tx.leases.acquire("clock", "other", late, late + 15))
        assert token is not None
        await sleeper.ended.wait()
        fenced = FencedStore(office.store, "clock", token - 1)
        with pytest.raises(TurnOver):
            await fenced.write(lambda tx: tx.leases.acquire("other", "sleeper", late, late + 15))
        assert await office.store.read(lambda tx: tx.leases.is_free("other", "x", late))
