"""mailproc ticket: look at tickets, and do what a gesture in the folder does."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

import click

from mailproc.cli.context import choose_desk, clock_of, read_site, run, with_signing_store, with_store
from mailproc.cli.output import echo_json, fail
from mailproc.cli.search import reindex
from mailproc.cli.table import describe_ticket, ticket_line
from mailproc.desk import claim as claims
from mailproc.desk import close as ends
from mailproc.desk import merge as merges
from mailproc.desk.change import Refused
from mailproc.desk.note import add_note
from mailproc.desk.number import new_number
from mailproc.desk.site import Site
from mailproc.desk.snooze import snooze as put_aside
from mailproc.desk.transfer import transfer
from mailproc.desk.view import View, ticket_in_full, ticket_views
from mailproc.model.desk import Desk
from mailproc.model.search import parse_query
from mailproc.model.snooze import parse_snooze
from mailproc.model.ticket import State, Ticket
from mailproc.opening import load_keyring, make_desks, make_site
from mailproc.store.protocol import Store, Transaction
from mailproc.store.tickets import TicketFilter

Verb = Callable[[Transaction, Site, Ticket, float], object]

_number = click.argument("number", metavar="TICKET")
_as_agent = click.option("--as", "agent", required=True, metavar="AGENT", help="Who does it.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")


@click.group()
def ticket() -> None:
    """Tickets: list, show, and change them."""


ticket.add_command(reindex)


@ticket.command(name="list")
@click.option("--desk", default="", help="Only this desk's.")
@click.option(
    "--state",
    default="",
    type=click.Choice(["", *(state.value for state in State)]),
    help="Only in this state.",
)
@click.option("--owner", default="", help="Only this agent's.")
@click.option("--tag", default="", help="Only with this tag.")
@click.option("--search", default="", metavar="WORDS", help="Only with all these words, see the manual.")
@click.option("--newest", default=0, type=click.IntRange(min=0), metavar="N", help="Only so many; 0 is all.")
@_json
@click.pass_context
def list_(
    ctx: click.Context,
    desk: str,
    state: str,
    owner: str,
    tag: str,
    search: str,
    newest: int,
    as_json: bool,
) -> None:
    """List tickets, newest last."""
    loaded = read_site(ctx)
    query = parse_query(search)
    for remark in query.remarks:
        click.echo(f"search: {remark}", err=True)
    wanted = TicketFilter(choose_desk(loaded, desk) if desk else "", state, owner, tag, query, newest)

    desks, now = make_desks(loaded.config), clock_of(ctx)()

    async def work(store: Store) -> list[View]:
        return await store.read(lambda tx: ticket_views(tx, desks, list(tx.tickets.matching(wanted)), now))

    views = run(with_store(loaded, work))
    if as_json:
        echo_json(views)
        return
    for view in views:
        click.echo(ticket_line(view))


@ticket.command()
@_number
@_json
@click.pass_context
def show(ctx: click.Context, number: str, as_json: bool) -> None:
    """Show one ticket with its messages and events, and how it stands against its targets."""
    loaded = read_site(ctx)
    desks, now = make_desks(loaded.config), clock_of(ctx)()

    async def work(store: Store) -> View:
        return await store.read(lambda tx: ticket_in_full(tx, _find(tx, number), desks, now))

    view = run(with_store(loaded, work))
    if as_json:
        echo_json([view])
    else:
        click.echo(describe_ticket(view))


@ticket.command()
@_number
@click.argument("sha256")
@click.pass_context
def raw(ctx: click.Context, number: str, sha256: str) -> None:
    """Write the original bytes of one message to standard output."""

    async def work(store: Store) -> bytes | None:
        return await store.read(lambda tx: _raw(tx, number, sha256))

    content = run(with_store(read_site(ctx), work))
    if content is None:
        fail(f"ticket {number} has no message {sha256}")
    sys.stdout.buffer.write(content)


@ticket.command()
@_number
@_as_agent
@click.pass_context
def claim(ctx: click.Context, number: str, agent: str) -> None:
    """Take a ticket; refused when another agent holds it."""
    _change(
        ctx,
        number,
        agent,
        lambda tx, site, found, now: claims.claim(tx, _desk(site, found), found, agent=agent, now=now),
    )


@ticket.command()
@_number
@_as_agent
@click.pass_context
def release(ctx: click.Context, number: str, agent: str) -> None:
    """Give a ticket back to the desk."""
    _change(ctx, number, agent, lambda tx, site, found, now: claims.release(tx, found, who=agent, now=now))


@ticket.command()
@_number
@click.argument("to", metavar="AGENT")
@_as_agent
@click.pass_context
def assign(ctx: click.Context, number: str, to: str, agent: str) -> None:
    """Hand a ticket to another agent."""
    _change(
        ctx,
        number,
        agent,
        lambda tx, site, found, now: claims.assign(
            tx, _desk(site, found), found, agent=to, who=agent, now=now
        ),
    )


@ticket.command()
@_number
@_as_agent
@click.pass_context
def close(ctx: click.Context, number: str, agent: str) -> None:
    """Close a ticket."""
    _change(ctx, number, agent, lambda tx, site, found, now: ends.close(tx, found, who=agent, now=now))


@ticket.command()
@_number
@_as_agent
@click.pass_context
def reopen(ctx: click.Context, number: str, agent: str) -> None:
    """Open a closed or answered ticket again."""
    _change(ctx, number, agent, lambda tx, site, found, now: ends.reopen(tx, found, who=agent, now=now))


@ticket.command()
@_number
@click.option("--not", "is_ham", is_flag=True, help="It is no spam after all.")
@_as_agent
@click.pass_context
def spam(ctx: click.Context, number: str, is_ham: bool, agent: str) -> None:
    """Say that a ticket is spam, or that it is none."""

    def verb(tx: Transaction, site: Site, found: Ticket, now: float) -> object:
        if is_ham:
            return ends.unmark_spam(tx, found, who=agent, now=now)
        return ends.mark_spam(tx, found, who=agent, now=now)

    _change(ctx, number, agent, verb)


@ticket.command()
@_number
@click.argument("until")
@_as_agent
@click.pass_context
def snooze(ctx: click.Context, number: str, until: str, agent: str) -> None:
    """Put a ticket aside UNTIL a time, or until the customer answers.

    UNTIL is 4h, 3d, 2w, tomorrow, monday, 2026-12-01, 2026-12-01T09:00 or answer; a day without a time begins
    when the desk opens.
    """

    def verb(tx: Transaction, site: Site, found: Ticket, now: float) -> object:
        try:
            moment = parse_snooze(until, now, _desk(site, found).calendar)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
        return put_aside(tx, found, until=moment, who=agent, now=now)

    _change(ctx, number, agent, verb)


@ticket.command()
@_number
@click.argument("text", required=False)
@_as_agent
@click.pass_context
def note(ctx: click.Context, number: str, text: str | None, agent: str) -> None:
    """Add a note that only agents see; without TEXT it is read from standard input."""
    content = text if text is not None else sys.stdin.read()
    if not content.strip():
        fail("an empty note says nothing")
    _change(ctx, number, agent, lambda tx, site, found, now: add_note(tx, found, content, who=agent, now=now))


@ticket.command()
@_number
@click.argument("target")
@_as_agent
@click.pass_context
def merge(ctx: click.Context, number: str, target: str, agent: str) -> None:
    """Make a ticket part of TARGET; unmerge undoes it."""
    _change(
        ctx,
        number,
        agent,
        lambda tx, site, found, now: merges.merge(tx, found, _find(tx, target), who=agent, now=now),
    )


@ticket.command()
@_number
@_as_agent
@click.pass_context
def unmerge(ctx: click.Context, number: str, agent: str) -> None:
    """Undo a merge."""
    _change(ctx, number, agent, lambda tx, site, found, now: merges.unmerge(tx, found, who=agent, now=now))


@ticket.command()
@_number
@click.argument("sha256", nargs=-1, required=True)
@_as_agent
@click.pass_context
def split(ctx: click.Context, number: str, sha256: tuple[str, ...], agent: str) -> None:
    """Move messages into a new ticket, linked with the old one; prints its number."""
    digests = [_digest(text) for text in sha256]

    def verb(tx: Transaction, site: Site, found: Ticket, now: float) -> str:
        fresh = new_number(tx, _desk(site, found), now, random.SystemRandom())
        return merges.split(tx, found, digests, fresh, who=agent, now=now).number

    click.echo(_change(ctx, number, agent, verb))


@ticket.command()
@_number
@click.argument("desk")
@_as_agent
@click.pass_context
def move(ctx: click.Context, number: str, desk: str, agent: str) -> None:
    """Hand a ticket to another DESK."""

    def verb(tx: Transaction, site: Site, found: Ticket, now: float) -> object:
        if desk not in site.desks:
            raise Refused(f"no desk {desk!r}; there are: {', '.join(site.desks)}")
        return transfer(tx, found, site.desks[desk], who=agent, now=now)

    _change(ctx, number, agent, verb)


def _change(ctx: click.Context, number: str, agent: str, verb: Verb) -> object:
    loaded = read_site(ctx)
    site = make_site(loaded.config, load_keyring(loaded.config))
    if agent not in site.agents:
        fail(f"no agent {agent!r}; there are: {', '.join(site.agents)}")

    def change(tx: Transaction) -> object:
        try:
            return verb(tx, site, _find(tx, number), clock_of(ctx)())
        except claims.HeldByAnother as lost:
            return lost  # that is written down, and must stay so

    async def work(store: Store) -> object:
        done = await store.write(change)
        if isinstance(done, claims.HeldByAnother):
            raise done
        return done

    return run(with_signing_store(loaded, work))


def _find(tx: Transaction, number: str) -> Ticket:
    found = tx.tickets.by_number(number.strip())
    if found is None:
        raise Refused(f"no ticket {number}")
    return found


def _desk(site: Site, found: Ticket) -> Desk:
    desk = site.desks.get(found.desk)
    if desk is None:
        raise Refused(f"desk {found.desk} of ticket {found.number} is not configured any more")
    return desk


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no SHA-256 in hexadecimal digits") from None


def _raw(tx: Transaction, number: str, sha256: str) -> bytes | None:
    digest = _digest(sha256)
    messages = tx.tickets.messages(_find(tx, number).id)
    return tx.deliveries.raw(digest) if any(message.sha256 == digest for message in messages) else None
