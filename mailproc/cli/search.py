"""mailproc ticket reindex: make the full-text index anew."""

from __future__ import annotations

import click

from mailproc.cli.context import run_with_store
from mailproc.cli.progress import progress
from mailproc.desk.search import index_next
from mailproc.store.protocol import Store

AT_ONCE = 100  # messages in one transaction


@click.command()
@click.pass_context
def reindex(ctx: click.Context) -> None:
    """Make the index of --search anew; the daemon may run meanwhile.

    Until it is done, --search finds only what is indexed again already.
    """
    click.echo(f"indexed {run_with_store(ctx, _reindex)} messages", err=True)


async def _reindex(store: Store) -> int:
    await store.write(lambda tx: tx.search.clear())
    total = await store.read(lambda tx: tx.search.count_unindexed())
    with progress(range(0, total, AT_ONCE), "indexing") as batches:
        for _ in batches:
            await index_next(store, AT_ONCE)
    while await index_next(store, AT_ONCE):  # what came meanwhile
        pass
    return total
