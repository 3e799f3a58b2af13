"""mailproc check: every mistake of the configuration at once."""

from __future__ import annotations

import sys
from itertools import chain

import click

from mailproc.cli.filters import load_site
from mailproc.cli.invocation import Invocation
from mailproc.cli.output import FAILED


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
    for probed in chain(probe_parts(loaded.config, invocation.environment), probe_stages(loaded)):
        click.echo(str(probed))
        failed = failed or bool(probed.failure)
    if failed:
        sys.exit(FAILED)
