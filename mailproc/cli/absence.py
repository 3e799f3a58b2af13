"""mailproc agent absent, mailproc agent list: who is here, and who is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

import click

from mailproc.cli.context import clock_of, read_site, run, with_signing_store, with_store
from mailproc.cli.output import echo_json, fail
from mailproc.cli.table import View
from mailproc.desk.absence import read_absences, set_absent, set_present, today_of
from mailproc.desk.site import Agent, Site
from mailproc.model.absence import FOREVER, Absences, AgentAbsence, Origin
from mailproc.model.mistake import did_you_mean
from mailproc.opening import load_keyring, make_site
from mailproc.store.protocol import Store, Transaction
from mailproc.store.tickets import TicketFilter

T = TypeVar("T")


def _parse_date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date: use 2026-12-24") from None


def _days(name: str, key: str, text: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    return click.option(
        name, key, callback=lambda _ctx, _option, given: _parse_date(given), metavar="DATE", help=text
    )


@click.command()
@click.argument("name", metavar="AGENT")
@_days("--from", "first", "The first day; today by default.")
@_days("--to", "last", "The last day; by default until --off.")
@click.option("--off", is_flag=True, help="The agent is here again: nothing is left of what was told.")
@click.pass_context
def absent(ctx: click.Context, name: str, first: date | None, last: date | None, off: bool) -> None:
    """Say that an agent is absent, or is here again.

    Tickets are assigned to others then, and when the absence begins the agent's claims go back to New.
    """
    if off and (first or last):
        raise click.UsageError("--off stands alone: it takes back all that is not over")

    def work(tx: Transaction, site: Site, now: float) -> str:
        if off:
            set_present(tx, site, name, now=now)
            return f"{name} is here again"
        begins = first or today_of(site, name, now)
        if last and last < begins:
            raise click.BadParameter(f"{last} is before {begins}", param_hint="--to")
        absence = AgentAbsence(name, begins, last or FOREVER, Origin.COMMAND)
        released = set_absent(tx, site, absence, now=now)
        return f"{name} is absent {absence.shown}; claims released: {released}"

    click.echo(_run(ctx, work, agent=name, writes=True))


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each agent.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the agents: who is here, and how many tickets each one holds."""
    views = _run(ctx, _views)
    if as_json:
        echo_json(views)
        return
    for view in views:
        click.echo(_line(view))


def _views(tx: Transaction, site: Site, now: float) -> list[View]:
    absences = read_absences(tx, site, now)
    return [_view(tx, site, agent, absences, now) for agent in site.agents.values()]


def _view(tx: Transaction, site: Site, agent: Agent, absences: Absences, now: float) -> View:
    today = today_of(site, agent.name, now)
    claimed = tx.tickets.matching(TicketFilter(state="claimed", owner=agent.name))
    return {
        "agent": agent.name,
        "name": agent.title,
        "desks": [desk.name for desk in site.desks_of(agent.name)],
        "here": not absences.is_absent(agent.name, today),
        "claimed": sum(1 for _ in claimed),
        "absent": [
            {
                "from": each.first.isoformat(),
                "to": None if each.last == FOREVER else each.last.isoformat(),
                "by": each.origin.value,
            }
            for each in absences.of(agent.name)
            if each.last >= today
        ],
    }


def _line(view: View) -> str:
    spans = [f"{each['from']}/{each['to'] or '…'} ({each['by']})" for each in view["absent"]]
    here = "here  " if view["here"] else "absent"
    held = f"{view['claimed']} held"
    return (
        f"{view['agent']:<12}  {here}  {held:>8}  {', '.join(view['desks']):<20}  {', '.join(spans)}".rstrip()
    )


def _run(
    ctx: click.Context,
    work: Callable[[Transaction, Site, float], T],
    *,
    agent: str = "",
    writes: bool = False,
) -> T:
    loaded = read_site(ctx)
    site = make_site(loaded.config, load_keyring(loaded.config))
    if agent and agent not in site.agents:
        fail(f"no agent {agent!r}{did_you_mean(agent, site.agents)}")

    async def on_store(store: Store) -> T:
        act = store.write if writes else store.read
        return await act(lambda tx: work(tx, site, clock_of(ctx)()))

    opened = with_signing_store if writes else with_store
    return run(opened(loaded, on_store))
