"""mailproc replay: what a changed chain would do with mail that came before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mailproc.check.load import load
from mailproc.cli.context import choose_desk, clock_of, read_by
from mailproc.cli.filters import load_site, run_filters
from mailproc.cli.invocation import Invocation
from mailproc.cli.moment import parse_past_moment
from mailproc.cli.output import echo_json
from mailproc.cli.table import printable
from mailproc.config import Loaded
from mailproc.replaying import replaying

View = Mapping[str, Any]


@click.command()
@click.option(
    "--since", default="1w", metavar="T", show_default=True, help="4h, 3d, 2w (ago), or 2026-12-01T09:00."
)
@click.option(
    "--config",
    "changed",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="NEW.toml",
    help="Compare the chains of this configuration with those in force.",
)
@click.option("--desk", default="", metavar="D", help="Only mail that came to this desk.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object for each mail that differs; the last one counts."
)
@click.pass_context
def replay(ctx: click.Context, since: str, changed: Path | None, desk: str, as_json: bool) -> None:
    """Run stored mail through a changed chain, without effects: what would differ?

    Without --config the chains in force are compared with what was done when the mails came.  Nothing is
    stored, sent or published; the daemon may run.
    """
    loaded = load_site(ctx)
    clock = clock_of(ctx)
    start = parse_past_moment(since, clock())
    name = choose_desk(loaded, desk) if desk else ""
    tried = _load(ctx, changed) if changed else None

    async def work() -> None:
        async with replaying(loaded, tried, clock) as replay:
            async for view in replay.differing(start, name):
                _show(view, as_json)
            _show_tally(replay.tally.view(), as_json)

    run_filters(work())


def _load(ctx: click.Context, path: Path) -> Loaded:
    invocation = ctx.find_object(Invocation)
    assert invocation is not None
    return read_by(load, path, invocation.environment)


def _show(view: View, as_json: bool) -> None:
    if as_json:
        echo_json([view])
        return
    click.echo(f"{view['received']}  {view['desk']}  {printable(view['from'])}  {printable(view['subject'])}")
    for finding, change in view["changes"].items():
        click.echo(f"    {finding}: {_change(change['was'], change['would'])}")


def _change(was: object, would: object) -> str:
    if isinstance(was, list) and isinstance(would, list):
        gone = [f"-{printable(each)}" for each in was if each not in would]
        come = [f"+{printable(each)}" for each in would if each not in was]
        return "  ".join([*gone, *come]) or f"{', '.join(was)} -> {', '.join(would)}"
    return f"{_value(was)} -> {_value(would)}"


def _value(value: object) -> str:
    return printable(str(value)) if value else "-"


def _show_tally(tally: View, as_json: bool) -> None:
    if as_json:
        echo_json([tally])
        return
    click.echo(f"{tally['differ']} of {tally['mails']} mails would differ")
    for rule in tally["rules"]:
        click.echo(f"    rule {printable(rule['rule'])}: {rule['was']} -> {rule['would']} mails")
