"""Find the ticket that a mail belongs to, and remember what later mails may refer to.

``find`` and ``record`` belong in one transaction: of two mails of a thread that arrive together the second
one then sees the first.  ``find`` alone, in a reading transaction, is a preview.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailproc.desk.site import Site
from mailproc.model.desk import Desk
from mailproc.model.follow_up import (
    Candidate,
    Evidence,
    FollowUp,
    IdKind,
    Joined,
    Role,
    Signals,
    Token,
    conversation_id,
)
from mailproc.model.joining import DAY, decide
from mailproc.model.judgement import MailClass
from mailproc.model.mac import Keyring
from mailproc.model.ticket import Ticket
from mailproc.store.protocol import Transaction
from mailproc.store.threads import Recent, Sighting

_MAX_MERGES = 20  # one after another
_HINTS = frozenset({Joined.NUMBER, Joined.SUBJECT})  # what anybody can write who knows the sender's address
_NOBODY_WROTE = frozenset({MailClass.BOUNCE, MailClass.DELAYED, MailClass.REPORT})


def find(tx: Transaction, keyring: Keyring, desk: Desk, signals: Signals, now: float) -> FollowUp:
    """The ticket that a mail joins, and why."""
    proven = frozenset(token for token in set(signals.tokens) if token.mac and keyring.verifies(token))
    named = {ticket.number: ticket for ticket in tx.threads.by_numbers({t.number for t in signals.tokens})}
    failures = _mac_failures(signals, proven, named)
    sightings = tx.threads.sightings(desk.name, _ids_to_look_up(signals))
    same_subject = _same_subject(tx, desk, signals)
    if not (named or sightings or same_subject):
        return FollowUp(None, mac_failures=failures)
    found = [*named.values(), *(sighting.ticket for sighting in sightings), *same_subject]
    tickets = _with_merged(tx, {ticket.id: ticket for ticket in found})
    evidence = Evidence(
        desk=desk.name,
        tickets=tickets,
        sightings=_by_id(sightings),
        numbers={number: ticket.id for number, ticket in named.items()},
        same_subject=tuple(ticket.id for ticket in same_subject),
        proven=proven,
        once_here=_once_here(tx, desk, named.values(), sightings),
        roles=tx.threads.roles(tickets, {signals.sender, signals.customer, *signals.people} - {""}),
        trusted=_is_trusted(tx, desk, signals),
        own_domains=frozenset(address.domain for address in desk.addresses),
        mac_failures=failures,
    )
    return decide(signals, evidence, desk.follow_up, now)


def record(
    tx: Transaction, site: Site, desk: Desk, ticket: Ticket, signals: Signals, follow_up: FollowUp
) -> None:
    """Remember a mail that was stored in a ticket: its ids, its people, its author, and MACs that failed."""
    index(tx, site, desk, ticket, signals, follow_up)
    if signals.sender:
        tx.authors.count(desk.name, signals.sender, aligned=signals.aligned, at=signals.received)
    record_failures(tx, desk, signals, follow_up)


def index(
    tx: Transaction, site: Site, desk: Desk, ticket: Ticket, signals: Signals, follow_up: FollowUp
) -> None:
    """Only its ids and people: for each further ticket that a mail of several tickets joins."""
    mentioned = [(message_id, IdKind.MENTIONED) for message_id in (*signals.ids, *_conversation(signals))]
    known = [(signals.message_id, IdKind.KNOWN)] if signals.message_id else []
    tx.threads.add_ids(desk.name, ticket.id, known + mentioned, at=signals.received)
    people = _people(signals, follow_up, site.own_addresses | site.agent_addresses)
    tx.threads.add_participants(desk.name, ticket.id, people, at=signals.received)


def record_failures(tx: Transaction, desk: Desk, signals: Signals, follow_up: FollowUp) -> None:
    """Count MACs that failed, also those of a mail that got no ticket."""
    if follow_up.mac_failures:
        tx.threads.add_mac_failures(desk.name, signals.sender, follow_up.mac_failures, at=signals.received)


def record_sent(
    tx: Transaction, ticket: Ticket, message_id: str, recipients: Iterable[str], now: float
) -> None:
    """Remember a mail of ours: its id is ours, and whom an agent answers takes part."""
    tx.threads.add_ids(ticket.desk, ticket.id, [(message_id, IdKind.OURS)], at=now)
    people = [(address.lower(), Role.PARTICIPANT) for address in recipients]
    tx.threads.add_participants(ticket.desk, ticket.id, people, at=now)


def _ids_to_look_up(signals: Signals) -> set[str]:
    return {signals.message_id, *signals.ids, *_conversation(signals)} - {""}


def _conversation(signals: Signals) -> Sequence[str]:
    return [conversation_id(signals.thread_index)] if signals.thread_index else []


def _mac_failures(signals: Signals, proven: frozenset[Token], named: dict[str, Candidate]) -> int:
    """An id of somebody else may look like one of ours: it counts only where its number is one of ours."""
    shown = {token for token in (*signals.reply_tokens, *signals.subject_tokens) if token.mac}
    ids = {token for token in signals.id_tokens.values() if token.number in named}
    return len((shown | ids) - proven)


def _by_id(sightings: Iterable[Sighting]) -> dict[str, list[tuple[IdKind, int]]]:
    found: dict[str, list[tuple[IdKind, int]]] = {}
    for sighting in sightings:
        found.setdefault(sighting.message_id, []).append((sighting.kind, sighting.ticket.id))
    return found


def _once_here(
    tx: Transaction, desk: Desk, named: Iterable[Candidate], sightings: Iterable[Sighting]
) -> frozenset[int]:
    """Tickets that were handed over to another desk: whoever wrote to this one goes on writing to it."""
    elsewhere = {ticket.id for ticket in named if ticket.desk != desk.name}
    return frozenset(
        tx.threads.written_to(desk.name, elsewhere) | {sighting.ticket.id for sighting in sightings}
    )


def _same_subject(tx: Transaction, desk: Desk, signals: Signals) -> list[Candidate]:
    """Tickets where the sender takes part, about the same and near in time, for a mail that answers."""
    keys = {signals.subject_key, signals.topic_key} - {""}
    answers = signals.is_reply or signals.is_forward or signals.ids
    if not (keys and answers and signals.sender):
        return []
    window = desk.follow_up.subject_days * DAY
    recent = tx.threads.same_subject(
        desk.name, keys, signals.sender, since=signals.received - window, date=signals.date
    )
    return [one.ticket for one in recent if _is_near(one, window)]


def _is_near(recent: Recent, window: float) -> bool:
    """By Date too: mail that was held up or is read in from an archive arrives all at once."""
    return recent.apart is None or recent.apart <= window


def _with_merged(tx: Transaction, tickets: dict[int, Candidate]) -> dict[int, Candidate]:
    """The tickets and all that they were merged into."""
    for _ in range(_MAX_MERGES):
        merged = {ticket.merged_into for ticket in tickets.values() if ticket.merged_into is not None}
        missing = merged - tickets.keys()
        if not missing:
            break
        tickets |= {ticket.id: ticket for ticket in tx.threads.by_ids(missing)}
    return tickets


def _is_trusted(tx: Transaction, desk: Desk, signals: Signals) -> bool:
    """From is authenticated, or of somebody whose domain never said how to."""
    if signals.aligned:
        return True
    if signals.dmarc_policy or not signals.sender:
        return False
    return tx.authors.get(desk.name, signals.sender).aligned == 0


def _people(signals: Signals, follow_up: FollowUp, own: frozenset[str]) -> list[tuple[str, Role]]:
    """The mail's people and their roles.  Who is new brings only new ones, and nobody promotes himself."""
    if signals.automatic in _NOBODY_WROTE:
        return []
    is_first = follow_up.ticket is None
    vouched = is_first or not (follow_up.newcomer or signals.forged or _is_unproved(signals, follow_up))
    roles = dict.fromkeys(sorted(signals.people), Role.PARTICIPANT if vouched else Role.NEW)
    for address in (signals.sender, signals.customer):
        roles[address] = Role.PARTICIPANT if is_first else Role.NEW
    if is_first:
        roles[signals.customer or signals.sender] = Role.CUSTOMER
    return [(address, role) for address, role in roles.items() if address and address not in own]


def _is_unproved(signals: Signals, follow_up: FollowUp) -> bool:
    """Neither the mail's secrets nor its sender are proved: it may come from somebody who takes no part."""
    return follow_up.by in _HINTS and not signals.aligned
