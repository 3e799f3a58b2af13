"""A store, an outbox worker on it, and a relay that does what a test tells it to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from mailproc.model.outbox import NewItem, OutboxItem, OutboxKind, Settled
from mailproc.outbox.relay import Relay, RelaySettings
from mailproc.outbox.schedule import Schedule
from mailproc.outbox.sign import Signer
from mailproc.outbox.worker import Worker, WorkerLimits
from mailproc.store.outbox import Outbox
from mailproc.store.protocol import Transaction
from mailproc.store.sqlite import SqliteStore
from tests.rig.scripted_relay import ScriptedRelay

T = TypeVar("T")
MakeOffice = Callable[..., Awaitable["Office"]]
NOW = 1_000_000.0
LIMITS = WorkerLimits(poll=0.02, grace=5, first_probe=0.01, longest_probe=0.02)
SCHEDULE = Schedule(first=60, longest=3600, max_age=1000, jitter=0)
BOTH = ("ann@example.com", "bob@example.com")


@dataclass
class Office:
    """A store, a worker on it, and the relay; ``now`` is the worker's time."""

    store: SqliteStore
    peer: ScriptedRelay
    now: float = NOW
    settled: list[Settled] = field(default_factory=list)
    failing_callback: bool = False
    signer: Signer | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def worker(self, *, limits: WorkerLimits = LIMITS, timeout: float = 20) -> Worker:
        settings = RelaySettings(
            host="127.0.0.1", port=self.peer.port, hostname="mail.example.org", connections=2, timeout=timeout
        )
        return Worker(
            self.store,
            Relay(settings),
            clock=lambda: self.now,
            rng=random.Random(1),
            on_settled=self._on_settled,
            schedule=SCHEDULE,
            limits=limits,
            signer=self.signer,
        )

    def start(self, *, limits: WorkerLimits = LIMITS, timeout: float = 20) -> Worker:
        worker = self.worker(limits=limits, timeout=timeout)
        self.tasks.append(asyncio.create_task(worker.run()))
        return worker

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()

    async def add(
        self,
        key: str,
        *recipients: str,
        kind: OutboxKind = OutboxKind.REPLY,
        created: float = NOW,
        content: bytes = b"Message-ID: <1@example.org>\r\n\r\nHi\r\n",
    ) -> None:
        item = NewItem(
            key=key,
            kind=kind,
            desk="support",
            mail_from="support@example.org",
            recipients=recipients or ("ann@example.com",),
            content=content,
            created=created,
        )
        await self.do(lambda box: box.add(item))

    async def do(self, work: Callable[[Outbox], T]) -> T:
        return await self.store.write(lambda tx: work(tx.outbox))

    async def item(self, item_id: int = 1) -> OutboxItem:
        item = await self.store.read(lambda tx: tx.outbox.get(item_id))
        assert item is not None
        return item

    async def until(self, holds: Callable[[OutboxItem], bool], item_id: int = 1) -> OutboxItem:
        """The item, as soon as this holds."""
        async with asyncio.timeout(20):
            item = await self.item(item_id)
            while not holds(item):
                item = await self.item(item_id)
        return item

    def _on_settled(self, tx: Transaction, settled: Settled) -> None:
        assert tx.outbox.get(settled.item.id) == settled.item  # in the recording transaction
        if self.failing_callback:
            raise RuntimeError("the ticket is gone")
        self.settled.append(settled)
