"""The worker that empties the outbox: claims what is due, sends, writes down what became of it.

Promises.  What leaves at most once is recorded as sent before it is sent.  Everything else is sent until
every recipient was taken over or refused, always with the same bytes but for a signature of ours, which is
made anew for each try; a crash between sending and recording sends it again.  A failure of one recipient
touches no other.  While the relay takes no mail at all, items wait without being tried or counted, and one
warning is logged.  What waits longer than the schedule's greatest age fails.

Nothing that one item holds can stop the worker; what fails unforeseen is logged with the item's id.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailproc.failpoint import NO_FAILPOINTS, FailPoints
from mailproc.mime.reader import read
from mailproc.mime.surgery import normalise_newlines
from mailproc.model.outbox import RELAYED, Fate, OutboxItem, OutboxKind, RecipientResult, Settled
from mailproc.model.reply import LOCAL_ERROR, Reply
from mailproc.outbox.relay import Relay, RelayDown
from mailproc.outbox.schedule import Schedule
from mailproc.outbox.session import one_line
from mailproc.store.protocol import Store, StoreError, Transaction

if TYPE_CHECKING:
    from mailproc.outbox.sign import Signer

log = logging.getLogger("mailproc.outbox")

EXPIRED = Reply(550, "5.4.7", "The relay could not be reached for too long")  # RFC 3463 section 3.5

OnSettled = Callable[[Transaction, Settled], None]


# How many items are claimed for each connection: those that wait for one, and those that are being recorded,
# share their transactions.
AHEAD = 8
EXPIRED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Times in seconds."""

    poll: float = 1.0  # how long mail added by another process may wait to be seen
    grace: float = 10.0  # for mails under way when the worker is told to stop
    first_probe: float = 1.0  # after the relay went away …
    longest_probe: float = 60.0  # … and between probes at last


DEFAULT_LIMITS = WorkerLimits()
DEFAULT_SCHEDULE = Schedule()


class Worker:
    """Runs in one event loop; several, in several processes, may share a store.

    ``name`` is that by which the worker says that it is there (desk/presence.py), "" where it does not.
    """

    def __init__(
        self,
        store: Store,
        relay: Relay,
        *,
        clock: Callable[[], float],
        rng: random.Random,
        on_settled: OnSettled,
        schedule: Schedule = DEFAULT_SCHEDULE,
        limits: WorkerLimits = DEFAULT_LIMITS,
        kinds: Collection[OutboxKind] = RELAYED,
        failpoints: FailPoints = NO_FAILPOINTS,
        signer: Signer | None = None,
        name: str = "",
    ) -> None:
        self._store = store
        self._relay = relay
        self._clock = clock
        self._rng = rng
        self._on_settled = on_settled
        self._schedule = schedule
        self._limits = limits
        self._kinds = kinds
        self._failpoints = failpoints
        self._signer = signer
        self._name = name
        self._news = asyncio.Event()
        self._longest_mail = relay.settings.timeout + relay.settings.connect_timeout
        self._slots = asyncio.Semaphore(relay.settings.connections)
        self._probes = Schedule(first=limits.first_probe, longest=limits.longest_probe)
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._queued: dict[int, OutboxItem] = {}  # those under way that wait for a connection
        self._outage: RelayDown | None = None
        self._store_failed = False
        self._unseen_claims: list[float] = []  # their leases: the store failed, and yet may have made them

    def wake(self) -> None:
        """Something was added: look now.  To be called in the worker's event loop."""
        self._news.set()

    async def run(self) -> None:
        """Work until cancelled; then finish what is under way, for as long as ``grace``."""
        try:
            while True:
                self._news.clear()
                if self._outage is not None:
                    await self._wait_for_relay()
                if not await self._start_due():
                    await self._pause()
        finally:
            await self._finish()

    async def _start_due(self) -> bool:
        """Start what is due and has room; False when there is nothing more to start now."""
        room = self._relay.settings.connections * AHEAD - len(self._under_way)
        if room <= 0:
            return False
        items = await self._claim(room)
        for item in items:
            if item.id not in self._under_way:  # else the clock jumped past its lease
                self._queued[item.id] = item
                self._under_way[item.id] = asyncio.create_task(self._handle(item))
        return len(items) == room

    async def _claim(self, limit: int, *, created_before: float = float("inf")) -> list[OutboxItem]:
        now = self._clock()
        # Unlike any other claim's, by which it can be taken back.
        lease = now + 2 * self._longest_mail + self._rng.random()

        def claim(tx: Transaction) -> list[OutboxItem]:
            for unseen in self._unseen_claims:
                tx.outbox.release_claim(unseen)
            return tx.outbox.claim_due(
                now, lease, limit, self._kinds, worker=self._name, created_before=created_before
            )

        try:
            items = await self._store.write_beside(claim)
        except StoreError as error:
            self._store_is_away(error)
            self._unseen_claims.append(lease)
            return []
        self._unseen_claims.clear()
        self._store_failed = False
        return items

    def _store_is_away(self, error: StoreError) -> None:
        if not self._store_failed:
            log.warning('store="%s" outbox waits', error)
        self._store_failed = True

    async def _pause(self) -> None:
        """Until something is added or ends, or the time to look anyway."""
        try:
            async with asyncio.timeout(self._limits.poll):
                await self._news.wait()
        except TimeoutError:
            await self._relay.close_idle()

    async def _finish(self) -> None:
        await self._put_back_queued()
        tasks = list(self._under_way.values())
        if tasks:
            await asyncio.wait(tasks, timeout=self._limits.grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._relay.close()

    async def _put_back_queued(self) -> None:
        """Leave what was not begun to others at once, not when its lease ends."""
        queued = list(self._queued.values())
        for item in queued:
            self._under_way.pop(item.id).cancel()

        def put_back(tx: Transaction) -> None:
            for item in queued:
                tx.outbox.put_back(item)

        try:
            await self._store.write(put_back)
        except StoreError as error:
            self._store_is_away(error)

    # One item

    async def _handle(self, item: OutboxItem) -> None:
        try:
            await self._send(item)
        except RelayDown as down:
            self._begin_outage(down)
            await self._until_stored(lambda tx: tx.outbox.put_back(item))
        except StoreError as error:
            self._store_is_away(error)
            await self._until_stored(lambda tx: tx.outbox.put_back(item))  # it was not sent
        except Exception:
            log.exception("outbox=%d ticket=%s failed unforeseen", item.id, item.number or "-")
        finally:
            self._under_way.pop(item.id, None)
            self._queued.pop(item.id, None)
            self._news.set()

    async def _send(self, item: OutboxItem) -> None:
        async with self._slots:
            del self._queued[item.id]
            if self._outage is not None:
                raise RelayDown(self._outage.reply, self._outage.cause)
            if not await self._may_send(item):
                return
            results = await self._deliver(item)
        self._failpoints.reach("outbox.sent")
        await self._record(item, results)
        self._failpoints.reach("outbox.recorded")

    async def _may_send(self, item: OutboxItem) -> bool:
        """Does the claim last for as long as a mail may take, and is it recorded that it is begun; for what
        leaves at most once, that it is sent?"""
        if self._clock() > item.lease - self._longest_mail:  # a long wait, or this process slept
            return False
        if item.kind.at_most_once:
            taken = await self._store.write(lambda tx: tx.outbox.take_once(item))
        else:
            taken = await self._store.write_beside(lambda tx: tx.outbox.begin(item))
        self._failpoints.reach("outbox.taken")
        return taken

    async def _deliver(self, item: OutboxItem) -> list[RecipientResult]:
        try:
            content = await self._as_it_leaves(item)
        except Exception:
            log.exception("outbox=%d ticket=%s could not be made ready", item.id, item.number or "-")
            return [RecipientResult(each, Fate.LATER, LOCAL_ERROR) for each in item.waiting]
        try:
            results = await self._relay.deliver(
                item.mail_from, item.waiting, content, envelope_id=read(content).message_id
            )
            return list(results.values())
        except RelayDown:
            raise
        except Exception:
            log.exception(
                "outbox=%d ticket=%s relay=%s failed unforeseen",
                *(item.id, item.number or "-", self._relay.settings.name),
            )
            return [RecipientResult(each, Fate.UNKNOWN, LOCAL_ERROR) for each in item.waiting]

    async def _as_it_leaves(self, item: OutboxItem) -> bytes:
        """Signed here and nowhere else, so that a signature's time begins when the mail leaves."""
        content = normalise_newlines(item.content)
        return content if self._signer is None else await self._signer.sign(content)

    async def _record(self, item: OutboxItem, results: list[RecipientResult]) -> None:
        now = self._clock()
        due = self._schedule.next_due(
            created=item.created, failures=item.attempts + 1, now=now, chance=self._rng.random()
        )

        def work(tx: Transaction) -> None:
            settled = tx.outbox.record(item, results, now=now, due=due)
            if settled.results or not item.waiting:
                self._on_settled(tx, settled)

        try:
            await self._until_stored(work)
        except Exception:
            # What was sent must never be sent again because something about its ticket went wrong.
            log.exception(
                "outbox=%d ticket=%s was handled, but its ticket could not follow",
                item.id,
                item.number or "-",
            )
            await self._until_stored(lambda tx: tx.outbox.record(item, results, now=now, due=due))
        for result in results:
            _log_result(item, result, due)

    async def _until_stored(self, work: Callable[[Transaction], object]) -> None:
        """Write, however long the store is away: only this process knows what was sent."""
        while True:
            try:
                await self._store.write(work)
                return
            except StoreError as error:
                self._store_is_away(error)
            await asyncio.sleep(self._limits.poll)

    # The relay takes no mail at all

    def _begin_outage(self, down: RelayDown) -> None:
        if self._outage is None:
            self._outage = down
            log.warning(
                'relay=%s reply="%s" cause="%s" takes no mail, outbox waits',
                self._relay.settings.name,
                _quoted(str(down.reply)),
                _quoted(down.cause),
            )

    async def _wait_for_relay(self) -> None:
        """Probe the relay, ever more rarely, until it takes mail; meanwhile only age makes items fail."""
        failures = 0
        while self._outage is not None:
            failures += 1
            await self._expire(self._outage)
            await asyncio.sleep(self._probes.delay(failures, self._rng.random()))
            try:
                await self._relay.probe()
            except RelayDown as down:
                self._outage = down
            else:
                self._outage = None
        log.info("relay=%s takes mail again", self._relay.settings.name)

    async def _expire(self, down: RelayDown) -> None:
        oldest = self._clock() - self._schedule.max_age
        reply = Reply(EXPIRED.code, EXPIRED.status, f"{EXPIRED.text}: {down.reply}")
        while items := await self._claim(EXPIRED_AT_ONCE, created_before=oldest):
            for item in items:
                await self._record(item, [RecipientResult(r, Fate.REFUSED, reply) for r in item.waiting])


def _log_result(item: OutboxItem, result: RecipientResult, due: float | None) -> None:
    tried_again = result.fate is Fate.LATER and due is not None
    log.log(
        logging.INFO if tried_again or result.fate is Fate.ACCEPTED else logging.WARNING,
        'outbox=%d kind=%s ticket=%s recipient="%s" fate=%s attempt=%d reply="%s"',
        item.id,
        item.kind.value,
        item.number or "-",
        _quoted(result.recipient),
        result.fate.value,
        item.attempts + 1,
        _quoted(str(result.reply)),
    )


def _quoted(text: str) -> str:
    return one_line(text).replace('"', "'")
