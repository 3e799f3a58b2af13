"""A report as a mail: its text, and the whole of it attached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import formatdate

from mailproc.desk.site import Site
from mailproc.mime.compose import compose, compose_with_file, mailbox_header
from mailproc.model.outbox import NewItem, OutboxKind
from mailproc.model.period import ReportPlan
from mailproc.reports.gather import report_on
from mailproc.reports.page import listed_tickets, report_page
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
        rows = {row for tickets in listed_tickets(report).values() for row in tickets}
        content = report_page(report, tx.figures.names(rows))
    elif plan.form == "csv":
        content = as_csv(report_rows(report), COLUMNS)
    return Rendered(dates(period), report_text(report), content.encode())


def mail_report(
    tx: Transaction, site: Site, plan: ReportPlan, rendered: Rendered, moment: float, now: float
) -> int:
    """Put it into the outbox, one mail for each agent; return how many."""
    desk = site.desks[plan.desks[0]]
    day = f"{datetime.fromtimestamp(moment, desk.calendar.zone):%Y-%m-%d}"
    people = [site.agents[agent] for agent in dict.fromkeys(plan.to)]
    for person in people:
        headers = [
            ("From", mailbox_header(desk.title, desk.address)),
            ("To", mailbox_header(person.title, person.address)),
            ("Subject", f"Report {plan.name}: {rendered.dates}"),
            ("Date", formatdate(now)),
            ("Auto-Submitted", "auto-generated"),
            ("X-Mailproc-Loop", site.hostname),
        ]
        name = f"report-{day}.{plan.form}"
        tx.outbox.add(
            NewItem(
                key=f"report:{plan.name}:{day}:{person.name}",
                kind=OutboxKind.NOTICE,
                desk=desk.name,
                mail_from="",
                recipients=(str(person.address),),
                content=compose_with_file(headers, rendered.text, name, _TYPES[plan.form], rendered.content)
                if rendered.content
                else compose(headers, rendered.text),
                created=now,
            )
        )
    return len(people)
