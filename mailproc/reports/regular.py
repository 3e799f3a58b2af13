"""What is mailed regularly: reports to who asked for them, and a digest to each agent in the morning.

Each is sent once for its moment, whoever keeps the time and however often: the moment is written down in the
transaction that puts the mail into the outbox.  After a time without a daemon only the newest report is sent,
and a digest only on its own day.  A clock that was put back sends nothing again; one that had run ahead by
more than a day is forgotten.  What is new in the configuration begins with its next moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailproc.desk.absence import read_absences
from mailproc.desk.site import Site
from mailproc.model.period import ReportPlan, Schedule
from mailproc.reports.digest import give_digest
from mailproc.reports.mailed import mail_report, render
from mailproc.store.place import Place
from mailproc.store.protocol import Store, StoreError, Transaction

log = logging.getLogger("mailproc.reports")

TICK = 15.0  # seconds
SLACK = 86_400.0  # seconds that a clock may be put back
LATE = 900.0  # seconds after its moment in which something new is still sent


@dataclass(frozen=True, slots=True)
class Moment:
    """Something is to be done for a moment; ``before`` is the one that it was done for last."""

    name: str
    at: float
    before: float | None

    def last(self, now: float) -> float | None:
        """``before``; None where it was never done, or by a clock that had run ahead."""
        return None if self.before is None or self.before > now + SLACK else self.before

    def is_due(self, now: float) -> bool:
        """Whether it is to be done now, not only written down."""
        last = self.last(now)
        return now - self.at <= LATE if last is None else last < self.at


async def keep_reporting(
    store: Store,
    place: Place,
    site: Site,
    plans: Sequence[ReportPlan],
    clock: Callable[[], float],
    pause: float = TICK,
) -> None:
    """Look every ``pause`` seconds, until cancelled; from ``place`` the store is read in a thread."""
    if not plans and not any(desk.digest for desk in site.desks.values()):
        await asyncio.Event().wait()
    while True:
        try:
            await look(store, place, site, plans, clock())
        except StoreError as error:
            log.warning("store=%s", error)
        await asyncio.sleep(pause)


async def look(store: Store, place: Place, site: Site, plans: Sequence[ReportPlan], now: float) -> int:
    """Do what is due at ``now``; return how many mails that were."""
    done = await store.read(lambda tx: tx.figures.timetable())
    sent = 0
    for plan in plans:
        moment = _moment_of(plan, site, done, now)
        if moment.is_due(now):
            sent += await _report(store, place, site, plan, moment, now)
        elif moment.last(now) is None:
            await _note(store, moment)
    for agent in site.agents:
        if (morning := _morning_of(agent, site, done, now)) is not None:
            sent += await _digest(store, site, agent, morning, now)
    return sent


async def _note(store: Store, moment: Moment) -> None:
    await store.write(lambda tx: tx.figures.do_until(moment.name, moment.at, moment.before))


def _moment_of(plan: ReportPlan, site: Site, done: Mapping[str, float], now: float) -> Moment:
    name = f"report:{plan.name}"
    zone = site.desks[plan.desks[0]].calendar.zone
    return Moment(name, plan.schedule.last(now, zone), done.get(name))


async def _report(
    store: Store, place: Place, site: Site, plan: ReportPlan, moment: Moment, now: float
) -> int:
    # A report takes seconds on a large store: in a thread, mail goes on.
    rendered = await asyncio.to_thread(place.read_once, lambda tx: render(tx, site, plan, moment.at, now))

    def send(tx: Transaction) -> int:
        if not tx.figures.do_until(moment.name, moment.at, moment.before):
            return 0
        return mail_report(tx, site, plan, rendered, moment.at, now)

    sent = await store.write(send)
    log.info("report=%s mails=%d", plan.name, sent)
    return sent


def _morning_of(agent: str, site: Site, done: Mapping[str, float], now: float) -> Moment | None:
    """When the agent's digest of today was due; None where it is not yet, or no desk is open today."""
    moments = list(_mornings(agent, site, now))
    name = f"digest:{agent}"
    return Moment(name, min(moments), done.get(name)) if moments else None


def _mornings(agent: str, site: Site, now: float) -> Iterator[float]:
    for desk in site.desks_of(agent):
        if desk.digest is None:
            continue
        calendar, today = desk.calendar, desk.calendar.date_of(now)
        moment = Schedule("day", desk.digest).last(now, calendar.zone)
        is_today = datetime.fromtimestamp(moment, calendar.zone).date() == today
        if is_today and calendar.day(today).openings:
            yield moment


async def _digest(store: Store, site: Site, agent: str, moment: Moment, now: float) -> int:
    is_due = moment.is_due(now)
    if not is_due and moment.last(now) is not None:
        return 0

    def send(tx: Transaction) -> int:
        if not tx.figures.do_until(moment.name, moment.at, moment.before) or not is_due:
            return 0
        desks = [desk for desk in site.desks_of(agent) if desk.digest]
        if read_absences(tx, site, now).is_absent(agent, desks[0].calendar.date_of(now)):
            return 0
        return give_digest(tx, site, agent, desks, moment.at, now)

    return await store.write(send)
