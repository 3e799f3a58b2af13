"""mailproc quarantine: mail that could not be handled, and mail that got no number."""

from __future__ import annotations

import sys

import click

from mailproc.cli.context import clock_of, run_with_store
from mailproc.cli.output import echo_json, fail
from mailproc.desk.view import rfc3339
from mailproc.model.ticket import Outcome
from mailproc.store.deliveries import StoredDelivery
from mailproc.store.protocol import Store


@click.group()
def quarantine() -> None:
    """Mail that the chain could not handle; it is kept, whatever it is."""


@quarantine.command(name="list")
@click.option("--ignored", is_flag=True, help="Mail that the desk's rules left without a number.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@click.pass_context
def list_(ctx: click.Context, ignored: bool, as_json: bool) -> None:
    """List what was set aside, oldest first."""
    outcome = Outcome.IGNORED if ignored else Outcome.QUARANTINED

    async def work(store: Store) -> list[StoredDelivery]:
        return await store.read(lambda tx: tx.deliveries.in_state(outcome))

    found = run_with_store(ctx, work)
    if as_json:
        echo_json(map(_view, found))
        return
    for delivery in found:
        sender = delivery.mail_from or "<>"
        moment = rfc3339(delivery.received)
        click.echo(f"{delivery.id:>8}  {moment}  {delivery.desk}  {sender}  {delivery.problem}")


@quarantine.command()
@click.argument("delivery", type=int)
@click.pass_context
def show(ctx: click.Context, delivery: int) -> None:
    """Write the original bytes of a delivery to standard output."""

    async def work(store: Store) -> bytes | None:
        stored = await store.read(lambda tx: tx.deliveries.get(delivery))
        if stored is None:
            return None
        return await store.read(lambda tx: tx.deliveries.raw(stored.sha256))

    raw = run_with_store(ctx, work)
    if raw is None:
        fail(f"no delivery {delivery}")
    sys.stdout.buffer.write(raw)


@quarantine.command()
@click.argument("delivery", type=int)
@click.pass_context
def release(ctx: click.Context, delivery: int) -> None:
    """Send a delivery through its chain again."""

    async def work(store: Store) -> bool:
        return await store.write(lambda tx: tx.deliveries.requeue(delivery, clock_of(ctx)()))

    if not run_with_store(ctx, work):
        fail(f"no delivery {delivery} in quarantine")


@quarantine.command()
@click.argument("delivery", type=int)
@click.pass_context
def drop(ctx: click.Context, delivery: int) -> None:
    """Give a delivery up: it counts as ignored, and its bytes are kept."""

    async def work(store: Store) -> bool:
        return await store.write(lambda tx: tx.deliveries.give_up(delivery))

    if not run_with_store(ctx, work):
        fail(f"no delivery {delivery} in quarantine")


def _view(delivery: StoredDelivery) -> dict[str, object]:
    return {
        "delivery": delivery.id,
        "desk": delivery.desk,
        "mail_from": delivery.mail_from,
        "rcpt_to": delivery.rcpt_to,
        "received": rfc3339(delivery.received),
        "sha256": delivery.sha256.hex(),
        "attempts": delivery.attempts,
        "problem": delivery.problem,
    }
