"""What every command needs: the configuration, the store, and how to print."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

import click

from mailproc.app import open_store
from mailproc.check.load import load, read
from mailproc.cli.invocation import Invocation
from mailproc.config import ConfigurationError, Loaded, find
from mailproc.desk.change import Refused
from mailproc.model.ticket import IllegalMove
from mailproc.pipeline.chain import CannotOpen
from mailproc.store.protocol import Store, StoreError
from mailproc.store.tickets import TicketChanged

T = TypeVar("T")

FAILED = 1
WRONG_USAGE = 2


def load_site(ctx: click.Context) -> Loaded:
    """The configuration; a wrong one is reported whole on standard error and ends with status 2."""
    return _configured(ctx, load)


def read_site(ctx: click.Context) -> Loaded:
    """The same for commands that run no filter: theirs are not looked at."""
    return _configured(ctx, read)


def _configured(ctx: click.Context, reader: Callable[[Path, Mapping[str, str]], Loaded]) -> Loaded:
    invocation = ctx.find_object(Invocation)
    assert invocation is not None
    try:
        return reader(find(invocation.config, invocation.environment), invocation.environment)
    except ConfigurationError as error:
        click.echo(str(error), err=True)
        sys.exit(WRONG_USAGE)


def run_with_store(ctx: click.Context, work: Callable[[Store], Awaitable[T]]) -> T:
    """Run ``work`` on the configured store; what it refuses becomes one line and status 1."""
    return run(with_store(read_site(ctx), work))


def choose_desk(loaded: Loaded, name: str) -> str:
    """The desk of this name, or the only one where none is named; anything else ends with status 1."""
    desks = loaded.config.desk
    if not name and len(desks) != 1:
        fail(f"which desk? --desk is one of: {', '.join(desks)}")
    if name and name not in desks:
        fail(f"no desk {name!r}; there are: {', '.join(desks)}")
    return name or next(iter(desks))


def run(awaitable: Awaitable[T]) -> T:
    """Run a command's work; expected failures become one line on standard error and status 1."""
    with failures():
        return asyncio.run(_await(awaitable))


@contextmanager
def failures() -> Iterator[None]:
    """Within it, expected failures become one line on standard error and status 1."""
    try:
        yield
    except (StoreError, Refused, IllegalMove, CannotOpen, OSError) as error:
        fail(str(error))
    except TicketChanged as error:
        fail(f"ticket {error} was changed in between: look again")


def fail(text: str) -> NoReturn:
    """Say why on standard error and end with status 1."""
    click.echo(f"mailproc: {text}", err=True)
    sys.exit(FAILED)


def echo_json(rows: Iterable[Mapping[str, object]]) -> None:
    """JSON Lines on standard output."""
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable


async def with_store(loaded: Loaded, work: Callable[[Store], Awaitable[T]]) -> T:
    """``work`` on the configured store, which is closed afterwards."""
    store = open_store(loaded.config)
    try:
        return await work(store)
    finally:
        await store.close()
