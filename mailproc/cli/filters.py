"""What a command needs that looks at filters or runs them: all of the configuration checked, with theirs."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

import click

from mailproc.check.load import load
from mailproc.cli.context import configured, run
from mailproc.config import Loaded
from mailproc.pipeline.chain import CannotOpen

T = TypeVar("T")


def load_site(ctx: click.Context) -> Loaded:
    """The configuration; a wrong one is reported whole on standard error and ends with status 2."""
    return configured(ctx, load)


def run_filters(awaitable: Awaitable[T]) -> T:
    """As ``run``; that a stage cannot open is an expected failure too."""
    return run(awaitable, CannotOpen)
