"""mailproc store: what concerns the database itself."""

from __future__ import annotations

import time

import click

from mailproc.cli.context import failures
from mailproc.cli.output import fail
from mailproc.store.copying import copy as copy_rows
from mailproc.store.place import PostgresPlace, SqlitePlace, place_of

_TIMEOUT = 30.0


@click.group()
def store() -> None:
    """The database: copy it into another."""


@store.command()
@click.argument("source")
@click.argument("target")
def copy(source: str, target: str) -> None:
    """Copy a whole store from SOURCE into TARGET, sqlite:PATH and postgresql://… or the other way round.

    The target must be empty, and no daemon may run on either.  Counts and the bytes of every mail are
    compared before anything is committed.  The key is a file of its own: take it along.
    """
    here, there = _place(source), _place(target)
    if isinstance(here, SqlitePlace) and not here.path.exists():
        fail(f"there is no store at {here}")
    with failures(), here.end() as begin, there.end() as end:
        counts = copy_rows(begin, end, time.time(), _tell)
    click.echo(f"{sum(counts.values())} rows copied; the index of words is made anew when the daemon runs")


def _place(url: str) -> SqlitePlace | PostgresPlace:
    if not url.startswith(("sqlite:", "postgresql://")) or url == "sqlite:":
        fail(f"{url.partition(':')[0]}: is neither sqlite:PATH nor postgresql://…")
    return place_of(url, _TIMEOUT)


def _tell(table: str, rows: int) -> None:
    if rows:
        click.echo(f"{table:<20}{rows:>12,}", err=True)
