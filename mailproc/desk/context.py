"""Which ticket an agent's mail is about, and what must be known of it to write the answer.

The ticket is the one whose reply address is among the recipients; else the one of a Message-ID that the mail
answers, which must be one of ours with its MAC or one that we received or sent; else that of a tag with a
valid MAC.  An agent is trusted with more than a customer, but not with guesses: nothing else counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailproc.desk.addressing import NOT_YOUR_DESK, Addressing
from mailproc.desk.change import follow_merges
from mailproc.desk.known import notes_of
from mailproc.desk.site import Site
from mailproc.mime.reader import read
from mailproc.model.address import Address, Mailbox
from mailproc.model.desk import Desk
from mailproc.model.follow_up import IdKind, Signals
from mailproc.model.line import one_line
from mailproc.model.reply import MailError, Reply
from mailproc.model.ticket import Direction, Message, Ticket
from mailproc.pipeline.template import Value
from mailproc.store.protocol import Transaction

SEVERAL_TICKETS = Reply(550, "5.7.1", "The mail is to several tickets: answer them one by one")
NO_SUCH_TICKET = Reply(550, "5.7.1", "There is no such ticket any more")


@dataclass(frozen=True, slots=True)
class Context:
    """A ticket as it was when an agent's mail about it came."""

    ticket: Ticket
    desk: Desk
    people: frozenset[str]  # who takes part, the customer too, in lower case
    answered: Message | None  # the customer's mail that it answers, else the newest one
    answered_raw: bytes | None
    notes: Mapping[str, Value] = field(default_factory=dict)  # of the enrichment

    @property
    def customer(self) -> Mailbox | None:
        """The customer with his name, as his own mail writes it; None where the ticket has no address."""
        address = Address.parse_or_none(self.ticket.customer)
        if address is None:
            return None
        box = read(self.answered_raw).customer if self.answered_raw else None
        if box is None or box.address.key != address.key:
            return Mailbox("", address)
        return Mailbox(one_line(box.name), box.address)


def find_context(
    tx: Transaction, site: Site, agent: str, addressing: Addressing, signals: Signals
) -> Context | None:
    """What an agent's mail is about; None where it is about no ticket, MailError where it must not be."""
    ticket = find_ticket(tx, site, agent, addressing, signals)
    return None if ticket is None else context_of_ticket(tx, site, ticket, signals.ids)


def find_ticket(
    tx: Transaction, site: Site, agent: str, addressing: Addressing, signals: Signals
) -> Ticket | None:
    """The ticket that an agent's mail is about, if any; MailError where it must not be."""
    ticket = _ticket(tx, site, agent, addressing, signals)
    if ticket is None:
        return None
    desk = site.desks.get(ticket.desk)
    if desk is None or agent not in desk.agents:
        raise MailError(NOT_YOUR_DESK)
    return ticket


def context_of_ticket(tx: Transaction, site: Site, ticket: Ticket, named: Sequence[str] = ()) -> Context:
    """What must be known of a ticket, for a mail that answers what is ``named``, the nearest first."""
    people = {address for address, _ in tx.threads.participants(ticket.id)}
    answered = _answered(tx, ticket, named)
    raw = tx.deliveries.raw(answered.sha256) if answered else None
    people = people | {ticket.customer} - {""}
    return Context(
        ticket,
        site.desks[ticket.desk],
        frozenset(people),
        answered,
        raw,
        notes_of(tx.history.events(ticket.id)),
    )


def _ticket(
    tx: Transaction, site: Site, agent: str, addressing: Addressing, signals: Signals
) -> Ticket | None:
    if addressing.numbers:
        found = {ticket.id: ticket for ticket in (_numbered(tx, each) for each in addressing.numbers)}
        if len(found) > 1:
            raise MailError(SEVERAL_TICKETS)
        return next(iter(found.values()))
    return _by_ids(tx, site, agent, signals) or _by_tag(tx, site, signals)


def _numbered(tx: Transaction, number: str) -> Ticket:
    ticket = tx.tickets.by_number(number)
    if ticket is None:
        raise MailError(NO_SUCH_TICKET)
    return follow_merges(tx, ticket)


def _by_ids(tx: Transaction, site: Site, agent: str, signals: Signals) -> Ticket | None:
    """The ticket of the nearest Message-ID that says something."""
    known = _known(tx, site, agent, signals)
    for message_id in signals.ids:
        token = signals.id_tokens.get(message_id)
        if token is not None and site.keyring.verifies(token):
            return _numbered(tx, token.number)
        if message_id in known:
            return follow_merges(tx, tx.tickets.get(known[message_id]))
    return None


def _known(tx: Transaction, site: Site, agent: str, signals: Signals) -> dict[str, int]:
    """The ids that we received or sent, at the agent's desks, and their tickets, the newest first."""
    known: dict[str, int] = {}
    for desk in site.desks_of(agent):
        for sighting in tx.threads.sightings(desk.name, signals.ids):
            if sighting.kind is not IdKind.MENTIONED and sighting.ticket.desk == desk.name:
                known.setdefault(sighting.message_id, sighting.ticket.id)
    return known


def _by_tag(tx: Transaction, site: Site, signals: Signals) -> Ticket | None:
    proven = [token for token in signals.subject_tokens if token.mac and site.keyring.verifies(token)]
    return _numbered(tx, proven[0].number) if proven else None


def _answered(tx: Transaction, ticket: Ticket, message_ids: Sequence[str]) -> Message | None:
    """The mail of the customer that is answered: the nearest one named, else the newest."""
    for message_id in message_ids:
        named = tx.tickets.message_by_id(ticket.desk, message_id)
        if named is not None and named.direction is Direction.IN and _is_of(tx, named, ticket):
            return named
    return tx.tickets.newest_received(ticket.id)


def _is_of(tx: Transaction, message: Message, ticket: Ticket) -> bool:
    return follow_merges(tx, tx.tickets.get(message.ticket)).id == ticket.id
