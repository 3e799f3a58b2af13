"""What a worker is made of, in this process: mails are taken in, judged and filed without a wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

from bench.injector import RECIPIENT, make_bodies, make_mail
from bench.load import NO_LIMITS
from mailproc.app import Parts, assemble
from mailproc.check.load import load
from mailproc.desk.pressure import Pressure
from mailproc.opening import open_store

SIZE = 5120  # octets of a mail
SQLITE = "sqlite:state/mailproc.db"
CONFIGURATION = f"""\
hostname = "mail.example.org"
data_dir = "state"
[store]
url = "{{url}}"
[desk.support]
addresses = ["{RECIPIENT}"]
chain = ["automatic", "ticket", "acknowledge"]
{NO_LIMITS}"""
Mails = Sequence[tuple[str, bytes]]


@asynccontextmanager
async def worker_parts(folder: Path, url: str = SQLITE) -> AsyncIterator[Parts]:
    """On an empty store, with everything in ``folder``."""
    (folder / "mailproc.toml").write_text(CONFIGURATION.format(url=url))
    (folder / "state").mkdir()
    loaded = load(folder / "mailproc.toml", {})
    store = open_store(loaded.config)
    try:
        # Time flies: no client has been here a moment ago, and mails are filed by the dozen.
        yield await assemble(loaded, store, pressure=Pressure(partial(next, count())))
    finally:
        await store.close()


def make_mails(count: int) -> Mails:
    """Each with its sender."""
    bodies = make_bodies(SIZE)
    return [make_mail(number, bodies[number % len(bodies)]) for number in range(count)]
