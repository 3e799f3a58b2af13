"""What every command needs that has a site: the configuration, the store, and what may fail there."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from mailproc.check.read import read
from mailproc.cli.invocation import Invocation
from mailproc.cli.output import WRONG_USAGE, fail
from mailproc.clock import Clock, make_clock
from mailproc.config import ConfigurationError, Loaded, find
from mailproc.desk.change import Refused
from mailproc.model.ticket import IllegalMove
from mailproc.opening import open_store, require_key
from mailproc.store.protocol import Store, StoreError
from mailproc.store.tickets import TicketChanged

T = TypeVar("T")


def read_site(ctx: click.Context) -> Loaded:
    """The configuration for commands that run no filter and send no letter: theirs are not looked at."""
    return configured(ctx, read)


def configured(ctx: click.Context, reader: Callable[[Path, Mapping[str, str]], Loaded]) -> Loaded:
    """What ``reader`` makes of the file; a wrong one is reported on standard error and ends with status 2."""
    invocation = ctx.find_object(Invocation)
    assert invocation is not None
    return read_by(reader, find(invocation.config, invocation.environment), invocation.environment)


def read_by(
    reader: Callable[[Path, Mapping[str, str]], Loaded], path: Path, environment: Mapping[str, str]
) -> Loaded:
    """The same of any file."""
    try:
        return reader(path, environment)
    except ConfigurationError as error:
        click.echo(str(error), err=True)
        sys.exit(WRONG_USAGE)


def run_with_store(ctx: click.Context, work: Callable[[Store], Awaitable[T]]) -> T:
    """Run ``work`` on the configured store; what it refuses becomes one line and status 1."""
    return run(with_store(read_site(ctx), work))


def clock_of(ctx: click.Context) -> Clock:
    """What tells a command the time."""
    invocation = ctx.find_object(Invocation)
    assert invocation is not None
    return make_clock(invocation.environment)


def choose_desk(loaded: Loaded, name: str) -> str:
    """The desk of this name, or the only one where none is named; anything else ends with status 1."""
    desks = loaded.config.desk
    if not name and len(desks) != 1:
        fail(f"which desk? --desk is one of: {', '.join(desks)}")
    if name and name not in desks:
        fail(f"no desk {name!r}; there are: {', '.join(desks)}")
    return name or next(iter(desks))


def run(awaitable: Awaitable[T], *expected: type[Exception]) -> T:
    """Run a command's work; expected failures become one line on standard error and status 1."""
    with failures(*expected):
        return asyncio.run(_await(awaitable))


@contextmanager
def failures(*expected: type[Exception]) -> Iterator[None]:
    """Within it, expected failures become one line on standard error and status 1."""
    one_line: tuple[type[Exception], ...] = (StoreError, Refused, IllegalMove, *expected)
    try:
        yield
    except one_line as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except TicketChanged as error:
        fail(f"ticket {error} was changed in between: look again")


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable


async def with_store(loaded: Loaded, work: Callable[[Store], Awaitable[T]]) -> T:
    """``work`` on the configured store, which is closed afterwards."""
    store = open_store(loaded.config)
    try:
        return await work(store)
    finally:
        await store.close()


async def with_signing_store(loaded: Loaded, work: Callable[[Store], Awaitable[T]]) -> T:
    """The same for work that may sign tags or addresses; StoreError where the key is not the store's."""

    async def with_our_key(store: Store) -> T:
        await store.read(lambda tx: require_key(tx, loaded.config))
        return await work(store)

    return await with_store(loaded, with_our_key)
