"""Enrich mails whose sources were away when they came, as soon as those are back.

The ticket exists by then and somebody may work on it, so nothing is decided anew: notes and tags are added,
the tag that said what was away goes, and the folder shows the notes as an event.  While what a stage asks
stays away, it is asked about one mail at each look, and the others wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mailproc.desk.change import follow_merges
from mailproc.desk.known import keep_known
from mailproc.desk.site import Site
from mailproc.model.address import Address
from mailproc.model.envelope import Envelope
from mailproc.pipeline.chain import Chain
from mailproc.pipeline.delivery import FAILED, SKIPPED, Delivery, StageResult
from mailproc.store.postponed import PostponedMail
from mailproc.store.protocol import Store, StoreError, Transaction

log = logging.getLogger("mailproc.enrich")

TICK = 5.0  # seconds between looks
AT_ONCE = 50  # mails in one look
GIVE_UP = 7 * 86_400.0  # seconds, after which nobody needs to know any more
MAILPROC = "mailproc"  # who did it, in events


@dataclass(frozen=True, slots=True)
class LateNotes:
    """Asks stages again about the mails that they postponed, for the desks of one site."""

    store: Store
    site: Site
    chains: Mapping[str, Chain]

    async def enrich_due(self, now: float) -> int:
        """Try what is due; return how many mails have now what they waited for."""
        due = await self.store.read(lambda tx: tx.postponed.due(now, AT_ONCE))
        away: set[tuple[str, str]] = set()
        enriched = 0
        for mail in due:
            if (mail.desk, mail.stage) in away:
                continue
            if await self._enrich(mail, now):
                enriched += 1
            else:
                away.add((mail.desk, mail.stage))
        return enriched

    async def _enrich(self, mail: PostponedMail, now: float) -> bool:
        """True where nothing is left to wait for."""
        result = await self._ask(mail)
        if result is None or now - mail.since > GIVE_UP:
            await self.store.write(lambda tx: _give_up(tx, mail, now))
            return True
        left = _left(mail, result)
        await self.store.write(lambda tx: _settle(tx, mail, result, left, now))
        return not left

    async def _ask(self, mail: PostponedMail) -> StageResult | None:
        """What the stage says now; None where it cannot be asked about this mail any more."""
        delivery = await self.store.read(lambda tx: self._delivery(tx, mail))
        chain = self.chains.get(mail.desk)
        return await chain.again(mail.stage, delivery) if chain and delivery else None

    def _delivery(self, tx: Transaction, mail: PostponedMail) -> Delivery | None:
        """The mail as it came."""
        stored = tx.deliveries.get(mail.delivery) if mail.delivery and mail.ticket else None
        raw = tx.deliveries.raw(stored.sha256) if stored else None
        desk = self.site.desks.get(mail.desk)
        if stored is None or raw is None or desk is None:
            return None
        sender = Address.parse_or_none(stored.mail_from) if stored.mail_from else None
        envelope = Envelope(sender, Address.parse(stored.rcpt_to))
        return Delivery(envelope, desk, raw, stored.received, again=frozenset(mail.tags))


async def enrich_later(late: LateNotes, clock: Callable[[], float]) -> None:
    """Look every few seconds, until cancelled."""
    while True:
        try:
            await late.enrich_due(clock())
        except StoreError as error:
            log.warning("store=%s", error)
        await asyncio.sleep(TICK)


def _left(mail: PostponedMail, result: StageResult) -> list[str]:
    """The tags of what is still away."""
    if result.verdict in (FAILED, SKIPPED):
        return list(mail.tags)
    return [tag for tag in mail.tags if tag in result.postponed]


def _settle(
    tx: Transaction, mail: PostponedMail, result: StageResult, left: Sequence[str], now: float
) -> None:
    if not (tx.postponed.wait_on(mail, left, now) if left else tx.postponed.remove(mail)):
        return  # another worker was faster
    if set(left) == set(mail.tags):
        return
    assert mail.ticket is not None  # else there would have been no mail to ask about
    ticket = follow_merges(tx, tx.tickets.get(mail.ticket))
    tx.history.remove_tags(ticket, set(mail.tags) - set(left))
    tx.history.add_tags(ticket, [tag for tag in result.tags if tag not in left])
    tx.postponed.hasten(mail.desk, mail.stage, now)
    lines = [f"{name}: {text}" for name, text in result.notes.items()]
    tx.folders.add_headers(mail.message, [("X-Mailproc-Note", line) for line in lines])
    if result.known:
        keep_known(tx, ticket, result, now)
    for line in lines:
        tx.history.add_event(ticket, "noted", mail.stage, line, now)
    if lines:
        tx.history.add_event(ticket, "enriched", MAILPROC, "\n".join(lines), now)


def _give_up(tx: Transaction, mail: PostponedMail, now: float) -> None:
    if tx.postponed.remove(mail) and mail.ticket is not None:
        ticket = follow_merges(tx, tx.tickets.get(mail.ticket))
        detail = f"{', '.join(mail.tags)}: not asked any more"
        tx.history.add_event(ticket, "not_enriched", MAILPROC, detail, now)
