"""mailproc import: a history from mbox, Maildir or a directory of mails."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from mailproc.app import assemble, open_store
from mailproc.cli.context import echo_json, fail, load_site, run
from mailproc.config import Loaded
from mailproc.desk.history import OldMail, Unreadable, find_mails, take_in
from mailproc.mime.reader import read


@click.command(name="import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--desk", default="", help="The desk it belongs to; may be left out where there is one.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
@click.pass_context
def import_(ctx: click.Context, paths: tuple[Path, ...], desk: str, as_json: bool) -> None:
    """Take mail of the past in, oldest first, without acknowledgements.

    PATH is a mail, a directory of mails, an mbox or a Maildir.  What is known already is passed over, so
    that an import may be repeated.
    """
    loaded = load_site(ctx)
    name = desk or (next(iter(loaded.config.desk)) if len(loaded.config.desk) == 1 else "")
    if name not in loaded.config.desk:
        fail(f"which desk? --desk is one of: {', '.join(loaded.config.desk)}")
    found = [each for path in paths for each in find_mails(path)]
    mails = sorted(
        (each for each in found if isinstance(each, OldMail)), key=lambda old: read(old.raw).date or 0
    )
    unreadable = [each for each in found if isinstance(each, Unreadable)]
    known = run(_import(loaded, name, mails))
    for each in unreadable:
        click.echo(f"{each.place}: {each.reason}", err=True)
    report = {"imported": len(mails) - known, "known": known, "unreadable": len(unreadable)}
    if as_json:
        echo_json([report])
    else:
        click.echo("  ".join(f"{what} {count}" for what, count in report.items()))


async def _import(loaded: Loaded, name: str, mails: Sequence[OldMail]) -> int:
    """Accept and process; return how many were known."""
    store = open_store(loaded.config)
    try:
        parts = await assemble(loaded, store)
        desk = parts.site.desks[name]
        known = 0
        with click.progressbar(mails, label="importing", file=click.get_text_stream("stderr")) as bar:
            for old in bar:
                known += not await take_in(store, desk, old, time.time())
                await parts.processor.drain()  # in order: an answer finds what it answers
        return known
    finally:
        await store.close()
