"""mailproc report: the figures of a period."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from typing import NamedTuple

import click

from mailproc.check.read import read_with_holidays
from mailproc.cli.context import clock_of, configured, run, with_store
from mailproc.cli.output import echo_json, fail
from mailproc.desk.site import Site
from mailproc.model.figures import Named, Period, Report, tickets_behind
from mailproc.model.mistake import did_you_mean
from mailproc.model.period import parse_period
from mailproc.opening import load_keyring, make_site
from mailproc.reports.calendar_file import calendar_file
from mailproc.reports.gather import report_on
from mailproc.reports.page import Listed, listed_tickets, report_page, rows_of
from mailproc.reports.rows import COLUMNS, as_csv, report_rows, ticket_rows
from mailproc.reports.shown import printable
from mailproc.reports.text import report_text
from mailproc.store.protocol import Store, Transaction

FORMATS = ("text", "json", "csv", "html", "ics")
_OF_TICKETS = ("figure", "ticket", "subject")


class _Made(NamedTuple):
    """A report, with the tickets that are listed, and whether the figure that was asked for is there."""

    report: Report
    listed: Listed
    names: Mapping[int, Named]
    is_known: bool = True


@click.command()
@click.option("--from", "first", default="", metavar="D", help="The first day, month or year: 2026-10-05.")
@click.option("--to", "last", default="", metavar="D", help="The last one, which belongs to it.")
@click.option("--desk", "desks", multiple=True, metavar="DESK", help="Only of this desk; may be repeated.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How.")
@click.option("--tickets", "figure", default="", metavar="FIGURE", help="Only the tickets behind a figure.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_context
def report(
    ctx: click.Context,
    first: str,
    last: str,
    desks: tuple[str, ...],
    form: str,
    figure: str,
    as_json: bool,
) -> None:
    """The figures of a period: by default the last full month.

    With --format ics: when answers to open tickets are due, now.  A figure is called as in --format json.
    """
    loaded = configured(ctx, read_with_holidays)
    site = make_site(loaded.config, load_keyring(loaded.config))
    chosen = _chosen(site, desks)
    form = "json" if as_json else form
    gc.disable()  # nothing lives longer than the report
    if form == "ics":
        _write(run(with_store(loaded, lambda store: _due(store, site, chosen, clock_of(ctx)()))))
        return
    now = clock_of(ctx)()
    try:
        period = parse_period(first, last, now, site.desks[chosen[0]].calendar.zone)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    made = run(with_store(loaded, lambda store: _read(store, site, chosen, period, now, figure, form)))
    if figure:
        _print_tickets(made, figure, form)
    else:
        _print(made, form)
    gc.freeze()  # nor is it looked through at the end


def _chosen(site: Site, desks: tuple[str, ...]) -> tuple[str, ...]:
    for name in desks:
        if name not in site.desks:
            fail(f"no desk {name!r}{did_you_mean(name, site.desks)}")
    return tuple(dict.fromkeys(desks)) or tuple(site.desks)


async def _due(store: Store, site: Site, desks: tuple[str, ...], now: float) -> bytes:
    due = await store.read(lambda tx: tx.figures.due(desks))
    return calendar_file(due, site.hostname, now)


async def _read(
    store: Store, site: Site, desks: tuple[str, ...], period: Period, now: float, figure: str, form: str
) -> _Made:
    def work(tx: Transaction) -> _Made:
        found = report_on(tx, [site.desks[name] for name in desks], period, now)
        if figure:
            behind = tickets_behind(found, figure)
            return _Made(
                found, {figure: tuple(behind or ())}, tx.figures.names(behind or ()), behind is not None
            )
        listed = listed_tickets(found) if form == "html" else {}
        return _Made(found, listed, tx.figures.names(rows_of(listed)))

    return await store.read(work)


def _print(made: _Made, form: str) -> None:
    match form:
        case "json":
            echo_json(report_rows(made.report))
        case "csv":
            _write(as_csv(report_rows(made.report), COLUMNS).encode())
        case "html":
            _write(report_page(made.report, made.listed, made.names).encode())
        case _:
            click.echo(report_text(made.report), nl=False)


def _print_tickets(made: _Made, figure: str, form: str) -> None:
    if not made.is_known:
        fail(f"no figure {figure!r} in this report: --format json names them all")
    rows = list(ticket_rows(figure, made.listed[figure], made.names))
    if form == "json":
        echo_json(rows)
    elif form == "csv":
        _write(as_csv(rows, _OF_TICKETS).encode())
    elif form == "text":
        for row in rows:
            click.echo(f"{row['ticket']}  {printable(str(row['subject']))}")
    else:
        fail(f"--tickets lists as text, json or csv, not as {form}")


def _write(content: bytes) -> None:
    """As it is: line ends belong to the format."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
