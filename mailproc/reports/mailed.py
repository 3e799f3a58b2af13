"""A report as a mail: its text, and the whole of it attached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mailproc.desk.notice import Notice, give_notice
from mailproc.desk.site import Site
from mailproc.mime.compose import File
from mailproc.model.period import ReportPlan
from mailproc.reports.gather import report_on
from mailproc.reports.page import listed_tickets, report_page, rows_of
from mailproc.reports.rows import COLUMNS, as_csv, report_rows
from mailproc.reports.shown import dates
from mailproc.reports.text import report_text
from mailproc.store.protocol import Transaction

_TYPES = {"html": "text/html; charset=utf-8", "csv": "text/csv; charset=utf-8; header=present"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """``content`` is what is attached; empty where nothing is."""

    dates: str
    text: str
    content: bytes


def render(tx: Transaction, site: Site, plan: ReportPlan, moment: float, now: float) -> Rendered:
    """The report that a plan asks for at a moment."""
    desks = [site.desks[name] for name in plan.desks]
    period = plan.schedule.period(moment, desks[0].calendar.zone)
    report = report_on(tx, desks, period, now)
    content = ""
    if plan.form == "html":
        listed = listed_tickets(report)
        content = report_page(report, listed, tx.figures.names(rows_of(listed)))
    elif plan.form == "csv":
        content = as_csv(report_rows(report), COLUMNS)
    return Rendered(dates(period), report_text(report), content.encode())


def mail_report(
    tx: Transaction, site: Site, plan: ReportPlan, rendered: Rendered, moment: float, now: float
) -> int:
    """Put it into the outbox, one mail for each agent; return how many."""
    desk = site.desks[plan.desks[0]]
    day = f"{datetime.fromtimestamp(moment, desk.calendar.zone):%Y-%m-%d}"
    subject = f"Report {plan.name}: {rendered.dates}"
    name = f"report-{day}.{plan.form}"
    file = File(name, _TYPES[plan.form], rendered.content) if rendered.content else None
    agents = dict.fromkeys(plan.to)
    for agent in agents:
        notice = Notice(f"report:{plan.name}:{day}:{agent}", subject, rendered.text, attached=file)
        give_notice(tx, site, agent, desk, notice, now)
    return len(agents)
