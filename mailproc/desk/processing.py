"""Take waiting deliveries through their chains and file them, several at a time.

Mails are claimed by the dozen and wait in a queue; lanes take them from it, judge them one by one, and file
what has been judged together, because one commit for many costs little more than one for each.  A mail that
waits for a remote look-up holds up its own lane only.

Every failure leaves the delivery in the store: it is tried again later, and after so many attempts it
becomes a visible problem ticket with the raw mail.  A restart takes up what waits.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mailproc.desk.filing import Filing, Judged
from mailproc.desk.pressure import StepBack
from mailproc.failpoint import FailPoints
from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.model.ticket import Outcome
from mailproc.pipeline.chain import Chain
from mailproc.pipeline.delivery import FAILED, Delivery
from mailproc.pipeline.verdict import Course, Verdict
from mailproc.store.deliveries import Claimed, StoredDelivery
from mailproc.store.protocol import BucketAway, Store, StoreError, Transaction

log = logging.getLogger("mailproc.chain")

Return = Callable[[Transaction], None]

LEASE = 900.0  # seconds: longer than a chain of default stages can take
MOST_CLAIMED = 128  # at once; more are claimed while the lanes work on the second half of these …
MOST_CLAIMED_UNDER_PRESSURE = 32  # … and so many where clients wait for the store, or soon will
WORTH_FILING = 64  # judged mails: so many are not kept waiting for more …
WORTH_FILING_UNDER_PRESSURE = 4  # … and so many where clients wait for the store, or soon will
SMALL = 65_536  # octets: the bytes of such mails come with the claim
POLL = 1.0  # seconds between looks for work that another process left
FIRST_RETRY = 10.0  # seconds; each further one comes four times later …
LAST_RETRY = 3600.0  # … up to this
GRACE = 20.0  # seconds for what is in the chain when the daemon is told to stop


@dataclass(frozen=True, slots=True)
class ProcessingLimits:
    at_once: int  # mails in the chain at the same time
    attempts: int  # failures before a mail is quarantined


def delivery_of(stored: StoredDelivery, raw: bytes, desk: Desk) -> Delivery:
    """The mail as it came to a desk, for a chain."""
    mail_from = Address.parse_or_none(stored.mail_from) if stored.mail_from else None
    envelope = Envelope(mail_from, Address.parse(stored.rcpt_to))
    return Delivery(envelope, desk, raw, stored.received, is_history=stored.is_history)


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
        step_back: StepBack,
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
        self._step_back = step_back
        self._wake = asyncio.Event()
        self._queue: deque[Claimed] = deque()
        self._is_low = asyncio.Event()  # so few wait in the queue that more should be claimed
        self._judged: list[Judged] = []
        self._lanes: set[asyncio.Task[None]] = set()
        self._rng = random.Random()
        self._unseen_claims: list[float] = []  # their leases: the store failed, and yet may have made them
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
        unbegun = [claimed.delivery.id for claimed in self._queue]
        self._queue.clear()
        if self._lanes:
            _, late = await asyncio.wait(self._lanes, timeout=GRACE)
            for task in late:
                task.cancel()
        if unbegun:
            with suppress(StoreError):
                await self._store.write(lambda tx: tx.deliveries.give_back(unbegun))

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
        """Claim what is due and see that lanes work on it; return how much that was."""
        while self._held:
            await self._store.write(self._held[0])
            del self._held[0]
        if len(self._queue) > self._most_claimed // 2:
            self._is_low.clear()
            await self._is_low.wait()
            return 1
        claimed = await self._claim(self._most_claimed, tried=False)
        if not claimed:
            return await self._retry_one()
        self._queue.extend(claimed)
        for _ in range(min(len(claimed), self._limits.at_once - len(self._lanes))):
            lane = asyncio.create_task(self._work())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        return len(claimed)

    async def _retry_one(self) -> int:
        """Try one that failed before, with nothing else in the chain.

        It is claimed, which counts as an attempt, when the chain is free: a crash while others are still in
        it is not the suspect's.
        """
        now = self._clock()
        if not await self._store.read(lambda tx: tx.deliveries.has_suspect(now)):
            return 0
        await self._finish_all()
        suspects = await self._claim(1, tried=True)
        for suspect in suspects:
            await self._process(suspect)
            await self._file_judged()
        return len(suspects)

    async def _claim(self, limit: int, *, tried: bool) -> list[Claimed]:
        now = self._clock()
        lease = now + LEASE + self._rng.random()  # unlike any other claim's, by which it can be taken back

        def claim(tx: Transaction) -> list[Claimed]:
            for unseen in self._unseen_claims:
                tx.deliveries.release_claim(unseen)
            return tx.deliveries.claim(now, lease, limit, tried=tried, worker=self._worker, small=SMALL)

        try:
            claimed = await self._store.write_beside(claim)
        except StoreError:
            self._unseen_claims.append(lease)
            raise
        self._unseen_claims.clear()
        if claimed:
            self._failpoints.reach("chain.claimed")
        return claimed

    async def _finish_all(self) -> None:
        if self._lanes:
            await asyncio.gather(*self._lanes)

    # A lane

    async def _work(self) -> None:
        """Judge mails from the queue until it is empty; file them in good time."""
        while self._queue:
            await self._step_back.wait()
            if self._queue:
                claimed = self._queue.popleft()
                if len(self._queue) <= self._most_claimed // 2:
                    self._is_low.set()
                await self._process(claimed)
            if len(self._judged) >= self._worth_filing or not self._queue:
                await self._file_judged()

    @property
    def _most_claimed(self) -> int:
        return MOST_CLAIMED_UNDER_PRESSURE if self._step_back.clients_come else MOST_CLAIMED

    @property
    def _worth_filing(self) -> int:
        return WORTH_FILING_UNDER_PRESSURE if self._step_back.clients_come else WORTH_FILING

    async def _process(self, claimed: Claimed) -> None:
        stored = claimed.delivery
        try:
            delivery = await self._read(claimed)
            verdict = await self._judge(stored, delivery)
            await self._keep(Judged(stored, delivery, verdict))
        except StoreError as error:
            log.warning("delivery=%d store=%s", stored.id, error)
            await self._put_back(stored, "store away", attempts=stored.attempts - 1)
        except Exception as error:
            await self._fail(stored, error)

    async def _read(self, claimed: Claimed) -> Delivery:
        stored = claimed.delivery
        raw = claimed.raw if claimed.raw is not None else await self._raw(stored)
        return delivery_of(stored, raw, self._filing.site.desks[stored.desk])

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
        return await self._chains[stored.desk].run(delivery, self._step_back.between_stages)

    async def _keep(self, judged: Judged) -> None:
        """Keep a mail for filing, or give it back where its chain wants it later."""
        if judged.verdict.course is Course.DEFER:
            # A stage that failed may fail for ever and counts; one that asks for time may have it.
            failed = any(result.verdict == FAILED for result in judged.delivery.results[-1:])
            attempts = judged.stored.attempts if failed else 0
            await self._put_back(judged.stored, judged.verdict.reason, attempts=attempts)
            return
        self._failpoints.reach("chain.finished")
        self._judged.append(judged)

    # Filing

    async def _file_judged(self) -> None:
        """File all that is judged in one transaction; where one of them cannot be filed, each in its own."""
        batch, self._judged = self._judged, []
        if not batch or await self._file(batch) or len(batch) == 1:
            return
        for judged in batch:
            await self._file([judged])

    async def _file(self, batch: Sequence[Judged]) -> bool:
        """True where each of the batch was filed or given back."""
        try:
            filed = await self._store.write(lambda tx: self._filing.file(tx, batch, self._clock()))
        except StoreError as error:
            log.warning("deliveries=%d store=%s", len(batch), error)
            if isinstance(error, BucketAway) and len(batch) > 1:
                return False  # one of them asks for an older mail: the others need not wait for that
            for judged in batch:
                stored = judged.stored
                await self._put_back(stored, "store away", attempts=stored.attempts - 1)
            return True
        except Exception as error:
            if len(batch) == 1:
                await self._fail(batch[0].stored, error)
            return False
        self._failpoints.reach("finish.committed")
        self._report(batch, filed)
        return True

    def _report(self, batch: Sequence[Judged], filed: Sequence[tuple[Outcome, str]]) -> None:
        for judged, (outcome, ticket) in zip(batch, filed, strict=True):
            stored, became = judged.stored, outcome.value
            log.info(
                "delivery=%d desk=%s outcome=%s ticket=%s", stored.id, stored.desk, became, ticket or "-"
            )
        if any(outcome is not Outcome.DUPLICATE for outcome, _ in filed):
            self._on_filed()

    # Giving back

    async def _fail(self, stored: StoredDelivery, error: Exception) -> None:
        log.error("delivery=%d attempt=%d failed", stored.id, stored.attempts, exc_info=error)
        await self._put_back(stored, type(error).__name__, attempts=stored.attempts)

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
