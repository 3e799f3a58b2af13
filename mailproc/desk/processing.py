"""Take waiting deliveries through their chains and file them, several at a time.

Every failure leaves the delivery in the store: it is tried again later, and after so many attempts it
becomes a visible problem ticket with the raw mail.  A restart takes up what waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mailproc.desk.filing import Filing
from mailproc.desk.pressure import Pressure
from mailproc.failpoint import FailPoints
from mailproc.model.address import Address
from mailproc.model.envelope import Envelope
from mailproc.model.ticket import Outcome
from mailproc.pipeline.chain import Chain
from mailproc.pipeline.delivery import FAILED, Delivery
from mailproc.pipeline.verdict import Course, Verdict
from mailproc.store.deliveries import StoredDelivery
from mailproc.store.protocol import Store, StoreError, Transaction

log = logging.getLogger("mailproc.chain")

Return = Callable[[Transaction], None]

LEASE = 900.0  # seconds: longer than a chain of default stages can take
MOST_IN_FLIGHT = 64  # claimed at once: in the chain, before it, or being stored
PRESSING = 3  # clients that wait for a reply at the same time
STEP_BACK = 0.002  # seconds
MOST_STEPS_BACK = 20  # so that the chain never stands still
POLL = 1.0  # seconds between looks for work that another process left
FIRST_RETRY = 10.0  # seconds; each further one comes four times later …
LAST_RETRY = 3600.0  # … up to this
GRACE = 20.0  # seconds for what is in the chain when the daemon is told to stop


@dataclass(frozen=True, slots=True)
class ProcessingLimits:
    at_once: int  # mails in the chain at the same time
    attempts: int  # failures before a mail is quarantined


class Processor:
    """Runs until cancelled; ``wake`` says that something was accepted."""

    def __init__(
        self,
        store: Store,
        chains: Mapping[str, Chain],
        filing: Filing,
        *,
        clock: Callable[[], float],
        limits: ProcessingLimits,
        failpoints: FailPoints,
        on_filed: Callable[[], None],
        pressure: Pressure,
        worker: str = "",
    ) -> None:
        self._store = store
        self._chains = chains
        self._filing = filing
        self._clock = clock
        self._limits = limits
        self._failpoints = failpoints
        self._on_filed = on_filed
        self._worker = worker
        self._pressure = pressure
        self._wake = asyncio.Event()
        self._turn = asyncio.Semaphore(limits.at_once)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._held: list[Return] = []  # what could not be given back while the store was away

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; then finish what is in the chain, for as long as ``GRACE``."""
        try:
            while True:
                self._wake.clear()
                if not await self._look():
                    await self._pause()
        finally:
            await self._finish()

    async def _look(self) -> int:
        try:
            return await self._take_up()
        except StoreError as error:
            log.warning("store=%s", error)
            return 0

    async def _finish(self) -> None:
        """What does not end within the grace keeps its lease, which the next start ends."""
        if self._in_flight:
            _, late = await asyncio.wait(self._in_flight, timeout=GRACE)
            for task in late:
                task.cancel()

    async def drain(self) -> None:
        """Process all that is due now, then return; for one-off runs and tests."""
        while await self._take_up():
            pass
        await self._finish_all()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _take_up(self) -> int:
        """Claim and start what is due; return how much that was."""
        while self._held:
            await self._store.write(self._held[0])
            del self._held[0]
        room = MOST_IN_FLIGHT - len(self._in_flight)
        if room < MOST_IN_FLIGHT // 2:
            await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)
            return 1
        claimed = await self._claim(room, tried=False)
        if not claimed:
            return await self._retry_one()
        for stored in claimed:
            await self._give_way()
            await self._turn.acquire()
            task = asyncio.create_task(self._process(stored))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
        return len(claimed)

    async def _give_way(self) -> None:
        """Intake goes first: who hands mail over waits for a reply, and what is accepted can wait."""
        for _ in range(MOST_STEPS_BACK):
            if self._pressure.total < PRESSING:
                return
            await asyncio.sleep(STEP_BACK)

    async def _retry_one(self) -> int:
        suspects = await self._claim(1, tried=True)
        for stored in suspects:
            await self._finish_all()  # nothing else is in the chain while a suspect is
            await self._turn.acquire()
            await self._process(stored)
        return len(suspects)

    async def _claim(self, limit: int, *, tried: bool) -> list[StoredDelivery]:
        now = self._clock()
        claimed = await self._store.write(
            lambda tx: tx.deliveries.claim(now, now + LEASE, limit, tried=tried, worker=self._worker)
        )
        if claimed:
            self._failpoints.reach("chain.claimed")
        return claimed

    async def _finish_all(self) -> None:
        if self._in_flight:
            await asyncio.gather(*self._in_flight)

    async def _process(self, stored: StoredDelivery) -> None:
        try:
            try:
                delivery = await self._read(stored)
                verdict = await self._judge(stored, delivery)
            finally:
                self._turn.release()
            await self._file(stored, delivery, verdict)
        except StoreError as error:
            log.warning("delivery=%d store=%s", stored.id, error)
            await self._put_back(stored, "store away", attempts=stored.attempts - 1)
        except Exception as error:
            log.exception("delivery=%d attempt=%d failed", stored.id, stored.attempts)
            await self._put_back(stored, type(error).__name__, attempts=stored.attempts)

    async def _read(self, stored: StoredDelivery) -> Delivery:
        raw = await self._raw(stored)
        mail_from = Address.parse_or_none(stored.mail_from) if stored.mail_from else None
        envelope = Envelope(mail_from, Address.parse(stored.rcpt_to))
        return Delivery(envelope, self._filing.site.desks[stored.desk], raw, stored.received)

    async def _raw(self, stored: StoredDelivery) -> bytes:
        """The original; b"" at last, so that a damaged one ends as a problem ticket and not in a circle."""
        try:
            raw = await self._store.read(lambda tx: tx.deliveries.raw(stored.sha256))
            if raw is None:
                raise LookupError(f"raw mail of delivery {stored.id} is missing")
        except (LookupError, ValueError):
            if stored.attempts <= self._limits.attempts:
                raise
            return b""
        return raw

    async def _judge(self, stored: StoredDelivery, delivery: Delivery) -> Verdict:
        if stored.attempts > self._limits.attempts:
            return Verdict(Course.QUARANTINE, f"failed {stored.attempts - 1} times: {stored.problem}")
        return await self._chains[stored.desk].run(delivery)

    async def _file(self, stored: StoredDelivery, delivery: Delivery, verdict: Verdict) -> None:
        if verdict.course is Course.DEFER:
            # A stage that failed may fail for ever and counts; one that asks for time may have it.
            failed = delivery.results[-1].verdict == FAILED
            await self._put_back(stored, verdict.reason, attempts=stored.attempts if failed else 0)
            return
        self._failpoints.reach("chain.finished")
        outcome = await self._store.write(
            lambda tx: self._filing.file(tx, stored, delivery, verdict, self._clock()), patient=True
        )
        self._failpoints.reach("finish.committed")
        log.info("delivery=%d desk=%s outcome=%s", stored.id, stored.desk, outcome.value)
        if outcome is not Outcome.DUPLICATE:
            self._on_filed()

    async def _put_back(self, stored: StoredDelivery, problem: str, *, attempts: int) -> None:
        """Give a delivery back for later: as soon as the store takes it."""
        due = self._clock() + min(FIRST_RETRY * 4.0 ** (stored.attempts - 1), LAST_RETRY)

        def give_back(tx: Transaction) -> None:
            tx.deliveries.defer(stored.id, due, problem, attempts=attempts)

        try:
            await self._store.write(give_back)
        except StoreError as error:
            log.warning("delivery=%d store=%s", stored.id, error)
            self._held.append(give_back)
