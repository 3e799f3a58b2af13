"""mailproc store: what concerns the database itself."""

from __future__ import annotations

import time

import click

from mailproc.cli.context import clock_of, failures, read_site, run_with_store
from mailproc.cli.output import fail
from mailproc.desk.restored import Kept, begin_anew
from mailproc.opening import store_place
from mailproc.store.connection import StoreError
from mailproc.store.copying import copy as copy_rows
from mailproc.store.originals import Originals
from mailproc.store.place import PostgresPlace, SqlitePlace, place_of
from mailproc.store.protocol import Transaction
from mailproc.store.verifying import fetch_all, verify_all

_TIMEOUT = 30.0


@click.group()
def store() -> None:
    """The database: copy, verify, fetch from the bucket."""


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
        away, _ = Originals(end.connection).in_bucket()
    click.echo(f"{sum(counts.values())} rows copied; the index of words is made anew when the daemon runs")
    if away:
        click.echo(f"{away} of the mails lie in the bucket: the target needs the same [bucket]", err=True)


@store.command()
@click.pass_context
def verify(ctx: click.Context) -> None:
    """Read every mail, in the database and in the bucket, and compare it with its digest.

    What is not as it was, or is not to be had, is told by its SHA-256, and ends with status 1.
    """

    def tell(sha256: bytes, why: str) -> None:
        click.echo(f"{sha256.hex()}: {why}")

    sound, wrong = run_with_store(ctx, lambda store: verify_all(store, tell))
    click.echo(f"{sound} mails are as they came", err=True)
    if wrong:
        fail(f"{wrong} are not")


@store.command()
@click.pass_context
def fetch(ctx: click.Context) -> None:
    """Take the mails that lie in the bucket back into the database, also while the daemon runs.

    The bucket keeps them, too.  Unless bucket.move is false they are moved there again.
    """
    fetched = run_with_store(ctx, fetch_all)
    click.echo(f"{fetched} mails fetched", err=True)


@store.command("begin-anew")
@click.pass_context
def begin_anew_(ctx: click.Context) -> None:
    """After pg_restore has put back an older state, and before any daemon runs on it.

    Numbers of tickets and rows that were given since are passed over; what waited to leave is kept back, as
    it may have left: mailproc outbox list.  On SQLite mailproc restore does the same.
    """
    if isinstance(store_place(read_site(ctx).config), SqlitePlace):
        fail("the store is on SQLite: mailproc restore does this")
    now = clock_of(ctx)()

    def work(tx: Transaction) -> Kept:
        if tx.leases.has_workers(now):
            raise StoreError("a daemon uses the store, or did within the last minute: stop all of them")
        return begin_anew(tx, now)

    kept = run_with_store(ctx, lambda store: store.write(work))
    click.echo(f"{kept.back} mails kept from leaving: mailproc outbox list", err=True)


@store.command("forget-key")
@click.pass_context
def forget_key(ctx: click.Context) -> None:
    """Let the next daemon that starts say which key signs, where the one in use is lost for good.

    What was signed by the lost key proves nothing any more: answers to older mails join their tickets only by
    Message-IDs and subjects.
    """
    known = run_with_store(ctx, lambda store: store.write(lambda tx: tx.site_key.forget()))
    click.echo("forgotten" if known else "no key is known yet")


def _place(url: str) -> SqlitePlace | PostgresPlace:
    if not url.startswith(("sqlite:", "postgresql://")) or url == "sqlite:":
        fail(f"{url.partition(':')[0]}: is neither sqlite:PATH nor postgresql://…")
    return place_of(url, _TIMEOUT)


def _tell(table: str, rows: int) -> None:
    if rows:
        click.echo(f"{table:<20}{rows:>12,}", err=True)
