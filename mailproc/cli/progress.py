"""A progress bar on a terminal, and nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click

T = TypeVar("T")


@contextmanager
def progress(items: Iterable[T], label: str) -> Iterator[Iterator[T]]:
    """The same items, counted on standard error while they are taken."""
    if not sys.stderr.isatty():
        yield iter(items)
        return
    with click.progressbar(items, label=label, show_pos=True, file=sys.stderr) as bar:
        yield iter(bar)
