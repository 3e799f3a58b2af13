"""mailproc status: does everything that was accepted add up?"""

from __future__ import annotations

import click

from mailproc.cli.context import run_with_store
from mailproc.cli.output import echo_json
from mailproc.desk.status import status as count
from mailproc.store.protocol import Store


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """What was accepted, what became of it, and what waits."""

    async def work(store: Store) -> dict[str, object]:
        return await store.read(count)

    counts = run_with_store(ctx, work)
    if as_json:
        echo_json([counts])
        return
    for name, value in counts.items():
        if isinstance(value, dict):
            click.echo(f"{name:<12} " + "  ".join(f"{key} {number}" for key, number in value.items()))
        else:
            click.echo(f"{name:<12} {value:>8}")
