"""Take mail over: a 250 means that the delivery and its bytes are on disk.

Whatever is in doubt is answered with 4xx, and the MTA keeps the mail (RFC 5321 section 4.2.5).
A delivery that a peer repeats is answered 250 and is stored once.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence

from mailproc.desk.pressure import Pressure
from mailproc.desk.site import Site
from mailproc.failpoint import FailPoints
from mailproc.model.address import Address
from mailproc.model.envelope import Envelope
from mailproc.model.reply import (
    ACCEPTED,
    BACKLOG_FULL,
    LOCAL_ERROR,
    NO_SUCH_DESK,
    RECIPIENT_OK,
    STORE_BUSY,
    STORE_FULL,
    Reply,
)
from mailproc.store.deliveries import NewDelivery
from mailproc.store.protocol import Store, StoreBusy, StoreError, StoreFull, Transaction

log = logging.getLogger("mailproc.intake")

_BACKLOG_AGE = 1.0  # seconds for which a count of the backlog is good enough


class Intake:
    """What the listeners hand mail to."""

    def __init__(
        self,
        store: Store,
        site: Site,
        *,
        clock: Callable[[], float],
        backlog: int,
        failpoints: FailPoints,
        pressure: Pressure,
        on_accepted: Callable[[], None],
    ) -> None:
        self._store = store
        self._site = site
        self._clock = clock
        self._most_waiting = backlog
        self._failpoints = failpoints
        self._on_accepted = on_accepted
        self._pressure = pressure
        self._waiting = 0
        self._waiting_at = float("-inf")

    def recipient(self, address: Address) -> Reply:
        """The reply to RCPT."""
        return RECIPIENT_OK if self._site.desk_of(address) else NO_SUCH_DESK

    async def accept(
        self, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> list[Reply]:
        """Make a mail durable for each recipient; one reply each, in order."""
        with self._pressure:
            return await self._accept(mail_from, recipients, raw)

    async def _accept(
        self, mail_from: Address | None, recipients: Sequence[Address], raw: bytes
    ) -> list[Reply]:
        try:
            if await self._backlog_is_full():
                return [BACKLOG_FULL] * len(recipients)
            deliveries = self._deliveries(mail_from, recipients, hashlib.sha256(raw).digest())
            new = await self._store.write_beside(lambda tx: self._record(tx, deliveries, raw))
        except StoreError as error:
            log.warning("store=%s recipients=%d bytes=%d", error, len(recipients), len(raw))
            return [_reply_to(error)] * len(recipients)
        self._failpoints.reach("intake.committed")
        self._on_accepted()
        log.debug("accepted=%d repeated=%d bytes=%d", new, len(deliveries) - new, len(raw))
        return [ACCEPTED] * len(recipients)

    def _deliveries(
        self, mail_from: Address | None, recipients: Sequence[Address], sha256: bytes
    ) -> list[NewDelivery]:
        now = self._clock()
        deliveries = []
        for recipient in recipients:
            desk = self._site.desk_of(recipient)
            if desk is None:  # a reload between RCPT and the end of DATA took the desk away
                raise StoreBusy(f"no desk for {recipient}")
            key = Envelope(mail_from, recipient).delivery_key(sha256)
            sender = str(mail_from or "")
            deliveries.append(NewDelivery(key, desk.name, sender, str(recipient), sha256, now))
        return deliveries

    def _record(self, tx: Transaction, deliveries: Sequence[NewDelivery], raw: bytes) -> int:
        tx.deliveries.keep_raw(deliveries[0].sha256, raw)
        new = sum(tx.deliveries.accept(delivery) for delivery in deliveries)
        self._failpoints.reach("intake.before_commit")
        return new

    async def _backlog_is_full(self) -> bool:
        now = self._clock()
        if not 0 <= now - self._waiting_at < _BACKLOG_AGE:
            self._waiting_at = now
            self._waiting = await self._store.read(lambda tx: tx.deliveries.waiting())
        return self._waiting >= self._most_waiting


def _reply_to(error: StoreError) -> Reply:
    if isinstance(error, StoreFull):
        return STORE_FULL
    return STORE_BUSY if isinstance(error, StoreBusy) else LOCAL_ERROR
