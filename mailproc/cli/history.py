"""mailproc import: a history from mbox, Maildir or a directory of mails."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from mailproc.app import assemble
from mailproc.cli.context import choose_desk, clock_of, with_signing_store
from mailproc.cli.filters import load_site, run_filters
from mailproc.cli.mail_files import mails_in
from mailproc.cli.output import echo_json
from mailproc.clock import Clock
from mailproc.config import Loaded
from mailproc.desk.site import Site
from mailproc.desk.take_in import NoMail, take_in
from mailproc.store.protocol import Store


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
    name, clock = choose_desk(loaded, desk), clock_of(ctx)
    report = run_filters(with_signing_store(loaded, lambda store: _import(store, loaded, name, paths, clock)))
    if as_json:
        echo_json([report])
    else:
        click.echo("  ".join(f"{what} {count}" for what, count in report.items()))


async def _import(
    store: Store, loaded: Loaded, name: str, paths: Sequence[Path], clock: Clock
) -> dict[str, int]:
    # One at once, in order: an answer finds what it answers.
    parts = await assemble(loaded, store, clock=clock, at_once=1)
    report = await _accept(store, parts.site, name, paths, clock)
    click.echo(f"filing {report['imported']} mails", err=True)
    await parts.processor.drain()
    for chain in parts.chains.values():
        await chain.close()
    return report


async def _accept(store: Store, site: Site, name: str, paths: Sequence[Path], clock: Clock) -> dict[str, int]:
    """Make every mail durable; the chain takes them up in the order of their dates."""
    counts = Counter(imported=0, known=0, unreadable=0)
    with click.progressbar(mails_in(paths), label="reading", file=sys.stderr) as bar:
        for found in bar:
            try:
                is_new = await take_in(store, site.desks[name], found.raw, clock())
                counts["imported" if is_new else "known"] += 1
            except NoMail as error:
                counts["unreadable"] += 1
                click.echo(f"{found.path}: {error}", err=True)
    return dict(counts)
