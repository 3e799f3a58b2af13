"""mailproc serve: the daemon."""

from __future__ import annotations

import os
import sys

import click

from mailproc.cli.context import failures
from mailproc.cli.filters import load_site
from mailproc.cli.output import fail
from mailproc.daemon import CannotServe
from mailproc.daemon import serve as run_daemon
from mailproc.log import set_up
from mailproc.pipeline.chain import CannotOpen


@click.command()
@click.pass_context
def serve(ctx: click.Context) -> None:
    """Run the daemon in the foreground; logs go to standard error."""
    loaded = load_site(ctx)
    set_up(loaded.config.log.level, loaded.config.log.format, sys.stderr)
    os.umask(0o077)
    with failures(CannotOpen):
        try:
            run_daemon(loaded, dict(os.environ))
        except CannotServe as error:
            fail(str(error))
