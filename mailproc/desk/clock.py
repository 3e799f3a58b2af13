"""What happens by itself when its time has come.

Snoozed tickets wake, held answers are reminded of, claims expire, what agents called spam is learnt, and
tickets that wait too long are escalated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from mailproc.desk.absence import is_absence_due, turn_absences
from mailproc.desk.claim import expire_claims, stale_claims
from mailproc.desk.escalate import escalate_due
from mailproc.desk.held import REMIND_AFTER, remind_due
from mailproc.desk.silence import act_on_silence, is_silence_due
from mailproc.desk.site import Site
from mailproc.desk.snooze import wake_due
from mailproc.desk.train import GRACE, learn_due
from mailproc.pipeline.letters import Letters
from mailproc.store.protocol import Store, StoreError, Transaction

log = logging.getLogger("mailproc.clock")

TICK = 15.0  # seconds between two looks
NO_LETTERS = Letters()


async def keep_time(
    store: Store,
    site: Site,
    clock: Callable[[], float],
    spam_grace: float = GRACE,
    upstream_hosts: Collection[str] = (),
    letters: Letters = NO_LETTERS,
    *,
    pause: float = TICK,
) -> None:
    """Look every ``pause`` seconds, until cancelled.

    ``spam_grace`` is how long spam waits to be learnt; what filters on ``upstream_hosts`` said is learnt too.
    ``letters`` are those that steps of escalation name.
    """
    while True:
        try:
            now = clock()
            await tick(store, site, now, spam_grace, upstream_hosts)
            await escalate_due(store, site, letters, now)
        except StoreError as error:
            log.warning("store=%s", error)
        await asyncio.sleep(pause)


async def tick(
    store: Store, site: Site, now: float, spam_grace: float = GRACE, upstream_hosts: Collection[str] = ()
) -> int:
    """Do what is due at ``now``; return how much that was.  Nothing is written when nothing is due."""
    learnt = await learn_due(store, now, spam_grace, upstream_hosts)
    if not await store.read(lambda tx: _is_anything_due(tx, site, now)):
        return learnt
    return learnt + await store.write(lambda tx: _do_due(tx, site, now))


def _is_anything_due(tx: Transaction, site: Site, now: float) -> bool:
    held = tx.holds.told_before(now - REMIND_AFTER, 1)
    return bool(
        tx.tickets.snoozed_until(now, 1)
        or held
        or is_absence_due(tx, site, now)
        or is_silence_due(tx, site, now)
        or any(stale_claims(tx, desk, now) for desk in site.desks.values())
    )


def _do_due(tx: Transaction, site: Site, now: float) -> int:
    turned = turn_absences(tx, site, now) + act_on_silence(tx, site, now)
    woken, reminded = wake_due(tx, site, now=now), remind_due(tx, site, now)
    expired = sum(expire_claims(tx, desk, now=now) for desk in site.desks.values())
    log.info("woken=%d reminded=%d claims_expired=%d turned=%d", woken, reminded, expired, turned)
    return woken + reminded + expired + turned
