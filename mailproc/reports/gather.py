"""Make a report from the store, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mailproc.desk.target import target_of
from mailproc.model.calendar import Calendar
from mailproc.model.desk import Desk
from mailproc.model.figures import Period, Report
from mailproc.model.happening import TOLD
from mailproc.model.target import Target
from mailproc.reports.tables import Tables, is_long
from mailproc.reports.tally import HAPPENED, Tally, TargetOf
from mailproc.store.figures import Case
from mailproc.store.protocol import Transaction


def report_on(tx: Transaction, desks: Sequence[Desk], period: Period, now: float) -> Report:
    """The figures of these desks, against their targets."""
    by_name = {desk.name: desk for desk in desks}
    calendars = {desk.name: desk.calendar for desk in desks}

    def target_of_case(case: Case) -> Target | None:
        return target_of(tx, by_name[case.desk], case.id, case.tags)

    has_targets = any(desk.escalation.rules for desk in desks)
    return make_report(tx, calendars, period, now, target_of_case if has_targets else None)


def make_report(
    tx: Transaction,
    calendars: Mapping[str, Calendar],
    period: Period,
    now: float,
    target_of: TargetOf | None = None,
) -> Report:
    """The figures of the desks that ``calendars`` names, as far as the period is over."""
    until = Period(period.start, max(period.start, min(period.end, now)), period.zone)
    tally = Tally(until, calendars, target_of or _without_target)
    desks, span = tuple(calendars), (until.start, until.end)
    wanted = tx.figures.tickets_of(desks, *span)
    for case in tx.figures.cases(wanted, desks, {*TOLD, *HAPPENED}, with_tags=target_of is not None):
        tally.add(case)
    tables = Tables(tally, by_month=is_long(until))
    return Report(desks, until, now, tables.make(), tables.behind)


def _without_target(_case: Case) -> None:
    return None
