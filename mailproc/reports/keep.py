"""Find out, in the background, what reports count of each ticket that rests: a month is then told in no time.

A ticket rests when nobody is to do anything: answered, snoozed, closed, spam.  Each is looked at once its
newest event is, a few seconds after; and again where anything happens to it, or where its desk's business
time changes.  Mail that waits for the chain goes first.  Whatever is not known yet, or not any more, a report
finds out itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mailproc.desk.search import may_work
from mailproc.reports.gather import COUNTED
from mailproc.reports.ruler import Ruler
from mailproc.reports.stamp import Stamps
from mailproc.reports.summary import summarize, written
from mailproc.store.figures import Case
from mailproc.store.place import Place
from mailproc.store.protocol import Store, StoreError, Transaction
from mailproc.store.summaries import Kept, Mark

log = logging.getLogger("mailproc.reports")

TICK = 15.0  # seconds between looks
AT_ONCE = 2000  # events looked at in one go
REST = 3.0  # times as long as that took, before the next one
_WORK = ("new", "claimed")
_AROUND = 90 * 86400.0  # seconds: most of what a ticket's clocks tell is not older


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out between two marks."""

    before: Mark | None
    after: Mark
    kept: tuple[Kept, ...]
    gone: tuple[int, ...]


async def keep_summaries(
    store: Store, place: Place, stamps: Stamps, clock: Callable[[], float], pause: float = TICK
) -> None:
    """Look every ``pause`` seconds, until cancelled; from ``place`` the store is read in a thread."""
    last = time.monotonic()
    while True:
        wait = pause
        began = time.monotonic()
        try:
            if await may_work(store, began - last):
                last = began
                if await summarize_next(store, place, stamps, clock()):
                    wait = REST * (time.monotonic() - began)
        except StoreError as error:
            log.warning("store=%s", error)
        await asyncio.sleep(wait)


async def summarize_next(store: Store, place: Place, stamps: Stamps, now: float) -> bool:
    """Look at what comes next; False where there is nothing."""
    if not await store.read(lambda tx: is_behind(tx, stamps, now)):
        return False
    found = await asyncio.to_thread(place.read_once, lambda tx: find(tx, stamps, now))
    await store.write(lambda tx: put(tx, found))
    return True


def is_behind(tx: Transaction, stamps: Stamps, now: float) -> bool:
    """Whether anything is newer than what is known."""
    mark = tx.summaries.mark()
    return mark is None or mark.calendars != stamps.of_all(now) or tx.summaries.changed(mark, 0) is None


def find(tx: Transaction, stamps: Stamps, now: float, limit: int = AT_ONCE) -> Found:
    """What is to be known of the tickets that come next."""
    begin = before = tx.summaries.mark()
    if begin is None or begin.calendars != stamps.of_all(now):
        begin = Mark(
            0, tx.summaries.newest_message(), stamps.of_all(now)
        )  # all messages are in what is found
    tickets, after = tx.summaries.next(begin, limit)
    parts = tx.figures.parts()
    tickets |= {parts[part] for part in tickets if part in parts}
    cases = list(tx.figures.cases(sorted(tickets), stamps.calendars.keys(), COUNTED, parts))
    kept = tuple(_kept([case for case in cases if case.head.state not in _WORK], stamps))
    return Found(before, after, kept, tuple(tickets - {each.ticket for each in kept}))


def put(tx: Transaction, found: Found) -> bool:
    """Write it down; False where somebody else did so since."""
    return tx.summaries.put(found.before, found.after, found.kept, found.gone)


def _kept(cases: Sequence[Case], stamps: Stamps) -> Iterator[Kept]:
    spans = {case.head.id: (case, *_span(case)) for case in cases}
    end = max((last for _, _, last in spans.values()), default=0.0) + 1
    calendars = stamps.calendars
    rulers = {
        calendar: Ruler(calendar, end - _AROUND, end)
        for calendar in {calendars[case.head.desk] for case in cases}
    }
    for case, first, last in spans.values():
        summary = summarize(case, rulers[calendars[case.head.desk]], end)
        if summary.state not in _WORK:
            yield Kept(case.head.id, stamps.stamp(case.head.desk, first, last), first, last, written(summary))


def _span(case: Case) -> tuple[float, float]:
    """The earliest and the latest moment of a ticket, and of what was merged into it."""
    rows = [*case.messages, *case.events]
    if case.family is not None:
        rows += [*case.family.messages, *case.family.events]
    moments = [case.head.opened, *(row[1] for row in rows)]
    return min(moments), max(moments)
