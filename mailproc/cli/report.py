"""mailproc report: the figures of a period."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping

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
from mailproc.reports.page import listed_tickets, report_page
from mailproc.reports.rows import COLUMNS, as_csv, report_rows, ticket_rows
from mailproc.reports.shown import printable
from mailproc.reports.text import report_text
from mailproc.store.protocol import Store, Transaction

FORMATS = ("text", "json", "csv", "html", "ics")
_OF_TICKETS = ("figure", "ticket", "subject")


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
    found, names = run(
        with_store(loaded, lambda store: _read(store, site, chosen, period, now, figure, form))
    )
    if figure:
        _print_tickets(found, names, figure, form)
    else:
        _print(found, names, form)


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
) -> tuple[Report, dict[int, Named]]:
    def work(tx: Transaction) -> tuple[Report, dict[int, Named]]:
        found = report_on(tx, [site.desks[name] for name in desks], period, now)
        if figure:
            return found, tx.figures.names(tickets_behind(found, figure) or ())
        if form == "html":
            return found, tx.figures.names({row for rows in listed_tickets(found).values() for row in rows})
        return found, {}

    return await store.read(work)


def _print(found: Report, names: Mapping[int, Named], form: str) -> None:
    match form:
        case "json":
            echo_json(report_rows(found))
        case "csv":
            _write(as_csv(report_rows(found), COLUMNS).encode())
        case "html":
            _write(report_page(found, names).encode())
        case _:
            click.echo(report_text(found), nl=False)


def _print_tickets(found: Report, names: Mapping[int, Named], figure: str, form: str) -> None:
    tickets = tickets_behind(found, figure)
    if tickets is None:
        fail(f"no figure {figure!r} in this report: --format json names them all")
    rows = list(ticket_rows(figure, tickets, names))
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
