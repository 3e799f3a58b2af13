"""mailproc outbox: what must leave, and what could not."""

from __future__ import annotations

import click

from mailproc.cli.context import clock_of, read_site, run, run_with_store, with_signing_store
from mailproc.cli.output import echo_json
from mailproc.cli.table import printable
from mailproc.desk import outgoing
from mailproc.desk.view import rfc3339
from mailproc.model.outbox import OutboxItem, OutboxState
from mailproc.opening import load_keyring, make_site
from mailproc.store.protocol import Store

_PAGE = 1000
_state = click.Choice([state.value for state in OutboxState])
_item = click.argument("item", type=int, metavar="ID")


@click.group()
def outbox() -> None:
    """What must leave: acknowledgements, answers, notices."""


@outbox.command(name="list")
@click.option("--state", type=_state, help="Only these; without it all that is not sent or dropped.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@click.pass_context
def list_(ctx: click.Context, state: str | None, as_json: bool) -> None:
    """List what waits, is held or has failed, oldest first."""
    wanted = None if state is None else OutboxState(state)

    async def work(store: Store) -> list[OutboxItem]:
        found: list[OutboxItem] = []
        while True:
            after = found[-1].id if found else 0
            page = await store.read(lambda tx, after=after: tx.outbox.items(wanted, _PAGE, after=after))  # type: ignore[misc]
            found += page
            if len(page) < _PAGE:
                return found

    items = run_with_store(ctx, work)
    if as_json:
        echo_json(map(_view, items))
        return
    for item in items:
        click.echo(_line(item))


@outbox.command()
@_item
@click.pass_context
def retry(ctx: click.Context, item: int) -> None:
    """Try an item again now, for the recipients that it did not reach; send a held answer."""
    loaded = read_site(ctx)
    site = make_site(loaded.config, load_keyring(loaded.config))

    async def work(store: Store) -> None:
        await store.write(lambda tx: outgoing.retry(tx, site, item, now=clock_of(ctx)()))

    run(with_signing_store(loaded, work))


@outbox.command()
@_item
@click.pass_context
def drop(ctx: click.Context, item: int) -> None:
    """Never send an item; it stays in the store, for the record."""

    async def work(store: Store) -> None:
        await store.write(lambda tx: outgoing.drop(tx, item, now=clock_of(ctx)()))

    run_with_store(ctx, work)


def _view(item: OutboxItem) -> dict[str, object]:
    return {
        "id": item.id,
        "kind": item.kind.value,
        "state": item.state.value,
        "desk": item.desk,
        "ticket": item.number or None,
        "recipients": [
            {"recipient": each.address, "state": each.state.value, "reply": each.reply}
            for each in item.recipients
        ],
        "attempts": item.attempts,
        "created": rfc3339(item.created),
        "due": rfc3339(item.due) if item.state is OutboxState.WAITING else None,
        "problem": item.problem,
    }


def _line(item: OutboxItem) -> str:
    recipients = ", ".join(each.address for each in item.recipients)
    return printable(
        f"{item.id:>8}  {item.state.value:<8} {item.kind.value:<15}  {item.number or '-':<15} "
        f"{rfc3339(item.created)}  {item.attempts:>3} tries  {recipients}  {item.problem}"
    ).rstrip()
