"""mailproc check: every mistake of the configuration at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from itertools import chain

import click

from mailproc.check.probed import Probed
from mailproc.cli.filters import load_site
from mailproc.cli.invocation import Invocation
from mailproc.cli.output import FAILED
from mailproc.config import Config
from mailproc.opening import make_bucket, store_place
from mailproc.store.connection import StoreError
from mailproc.store.place import PostgresPlace


@click.command()
@click.option("--probe", is_flag=True, help="Also connect to the store, the relay, IMAP, and try to listen.")
@click.pass_context
def check(ctx: click.Context, probe: bool) -> None:
    """Report all mistakes of the configuration with file, line and key.

    Warnings go to standard error and are no failure.
    """
    loaded = load_site(ctx)
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{loaded.path}: ok")
    if not probe:
        return
    from mailproc.check.probe import probe as probe_parts  # speaks every protocol that we do
    from mailproc.check.probed_stages import probe_stages

    invocation = ctx.find_object(Invocation)
    assert invocation is not None
    failed = False
    parts = probe_parts(loaded.config, invocation.environment)
    for probed in chain(
        parts, _probe_database(loaded.config), _probe_bucket(loaded.config), probe_stages(loaded)
    ):
        click.echo(str(probed))
        failed = failed or bool(probed.failure)
    if failed:
        sys.exit(FAILED)


def _probe_database(config: Config) -> Iterator[Probed]:
    """Whether a server that is there lets us in, and what it holds."""
    place = store_place(config)
    if isinstance(place, PostgresPlace):
        try:
            yield Probed("database", "at PostgreSQL", remark=place.probe())
        except StoreError as error:
            yield Probed("database", "at PostgreSQL", failure=str(error))


def _probe_bucket(config: Config) -> Iterator[Probed]:
    """Whether mails can be put there, read back and, being no mails, deleted."""
    bucket = make_bucket(config)
    if bucket is not None and config.bucket is not None:
        try:
            asyncio.run(bucket.probe())
            yield Probed("bucket", config.bucket.url)
        except StoreError as error:
            yield Probed("bucket", config.bucket.url, failure=str(error))
