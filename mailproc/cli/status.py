"""mailproc status: does everything that was accepted add up?"""

from __future__ import annotations

import click

from mailproc.cli.context import clock_of, read_site, run, with_store
from mailproc.cli.output import echo_json
from mailproc.desk.status import bucket_counts
from mailproc.desk.status import status as count
from mailproc.opening import bucket_rule
from mailproc.store.protocol import Transaction


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """What was accepted, what became of it, and what waits."""

    loaded, clock = read_site(ctx), clock_of(ctx)

    def work(tx: Transaction) -> dict[str, object]:
        rule = bucket_rule(loaded.config)
        return count(tx) | ({"bucket": bucket_counts(tx, rule, clock())} if loaded.config.bucket else {})

    counts = run(with_store(loaded, lambda store: store.read(work)))
    if as_json:
        echo_json([counts])
        return
    for name, value in counts.items():
        if isinstance(value, dict):
            click.echo(f"{name:<12} " + "  ".join(f"{key} {number}" for key, number in value.items()))
        else:
            click.echo(f"{name:<12} {value:>8}")
