"""mailproc calendar: when desks are open, for who wrote the hours to look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import click

from mailproc.check.read import read_with_holidays
from mailproc.cli.context import clock_of, configured
from mailproc.cli.output import echo_json, fail
from mailproc.model.calendar import Calendar, Day
from mailproc.model.hours import WEEKDAYS
from mailproc.model.mistake import did_you_mean
from mailproc.opening import make_calendars

HOUR = 3600
MOST_DAYS = 3660
YEARS = range(1970, 2500)


@click.command()
@click.argument("name", required=False)
@click.option(
    "--from",
    "first",
    callback=lambda _ctx, _option, text: _parse_date(text),
    metavar="DATE",
    help="The first day; today by default.",
)
@click.option("--days", type=click.IntRange(1, MOST_DAYS), default=14, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each day.")
@click.pass_context
def calendar(ctx: click.Context, name: str | None, first: date | None, days: int, as_json: bool) -> None:
    """Opening hours and holidays, day by day.

    Without NAME all calendars are shown.
    """
    calendars = make_calendars(configured(ctx, read_with_holidays).config)
    if name and name not in calendars:
        fail(f"no calendar {name!r}{did_you_mean(name, calendars)}")
    chosen = [each for each in calendars.values() if name in (None, each.name)]
    for number, each in enumerate(chosen):
        shown = [each.day(day) for day in _dates(first or each.date_of(clock_of(ctx)()), days)]
        if as_json:
            echo_json(_row(each, day) for day in shown)
        else:
            click.echo(("\n" if number else "") + "\n".join(_lines(each, shown)))


def _parse_date(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date: use 2026-12-01") from None
    if day and day.year not in YEARS:
        raise click.BadParameter(f"{text!r} is not from {YEARS.start} to {YEARS.stop - 1}")
    return day


def _dates(first: date, days: int) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range(days))


def _row(calendar: Calendar, day: Day) -> dict[str, object]:
    return {
        "calendar": calendar.name,
        "date": day.date.isoformat(),
        "weekday": WEEKDAYS[day.date.weekday()],
        "holiday": day.holiday or None,
        "open": [{"from": _as_utc(opens), "to": _as_utc(closes)} for opens, closes in day.openings],
        "seconds": day.seconds,
    }


def _as_utc(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _lines(calendar: Calendar, days: list[Day]) -> Iterator[str]:
    yield f"Calendar {calendar.name}, {calendar.zone}"
    for day in days:
        hours = "  ".join(_hours(calendar, *span) for span in day.openings) or "closed"
        length = f"{day.seconds / HOUR:g} h" if day.openings else ""
        yield f"  {day.date:%a} {day.date}  {hours:<26}  {length:>6}  {day.holiday}".rstrip()


def _hours(calendar: Calendar, opens: int, closes: int) -> str:
    """On the wall's clock; the end of a day is 24:00."""
    start, end = (datetime.fromtimestamp(moment, calendar.zone) for moment in (opens, closes))
    until = "24:00" if end.date() > start.date() else f"{end:%H:%M}"
    return f"{start:%H:%M}-{until}"
