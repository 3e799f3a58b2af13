"""What an agent's drafts say: a soft lock on the ticket that one answers, where nobody has it.

``model/draft.py`` decides; here it is read from the store and written down.  Only the headers that name what
a draft answers are read: In-Reply-To, References, To and Cc.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from mailproc.desk.addressing import read_addressing
from mailproc.desk.change import follow_merges
from mailproc.desk.claim import claim, release
from mailproc.desk.context import find_ticket
from mailproc.desk.handed import signals_of_agent
from mailproc.desk.notice import tell
from mailproc.desk.site import Site
from mailproc.mime.reader import read
from mailproc.model.desk import Desk
from mailproc.model.draft import DRAFTING, DraftRecord, Verdict, is_claim_of_draft, judge
from mailproc.model.moment import shown_moment
from mailproc.model.reply import MailError
from mailproc.model.ticket import State, Ticket
from mailproc.store.protocol import Transaction

FORGOTTEN = 14_400.0  # seconds since a draft was saved, at a desk where claims never expire

Saved = Mapping[int, float]  # when the newest draft to each ticket was saved, by the server's clock


def ticket_of_draft(tx: Transaction, site: Site, agent: str, header: bytes) -> int | None:
    """The row of the ticket that a draft with these header fields answers; None for any other mail."""
    desks = site.desks_of(agent)
    if not desks:
        return None
    mail = read(header)
    recipients = [box.address for box in (*mail.to, *mail.cc)]
    signals = signals_of_agent(mail, recipients, desks[0], received=0.0)
    try:
        ticket = find_ticket(tx, site, agent, read_addressing(site, agent, recipients), signals)
    except MailError:
        return None
    return ticket.id if ticket else None


def verdicts(tx: Transaction, site: Site, agent: str, saved: Saved, now: float) -> dict[int, Verdict]:
    """What is to be done about each ticket to which the agent has a draft; nothing is left out."""
    known = tx.drafts.written(agent)
    found: dict[int, Verdict] = {}
    for row, moment in saved.items():
        ticket = follow_merges(tx, tx.tickets.get(row))
        desk = site.desks.get(ticket.desk)
        if desk is not None and agent in desk.agents:
            fresh = _fresh(desk, now)
            verdict = judge(agent, ticket, known.get(row), moment, now, fresh)
            if verdict is not Verdict.NOTHING:
                found[row] = verdict
    return found


def _fresh(desk: Desk, now: float) -> float:
    """For how many seconds, until now, a draft counts: as long as a claim, in the desk's calendar."""
    return now - desk.calendar.before(now, desk.claim_expires) if desk.claim_expires else FORGOTTEN


def heed(tx: Transaction, site: Site, agent: str, saved: Saved, now: float) -> None:
    """Do what the drafts say."""
    known = tx.drafts.written(agent)
    for row, verdict in verdicts(tx, site, agent, saved, now).items():
        record = known.get(row) or DraftRecord(agent, row, now, saved[row])
        ticket = follow_merges(tx, tx.tickets.get(row))
        record = replace(record, saved=saved[row])
        if verdict is Verdict.LOCK:
            _lock(tx, site, agent, ticket, now)
            record = replace(record, claimed=True)
        elif verdict is Verdict.TELL:
            _tell(tx, site, record, ticket, now)
            record = replace(record, told=True)
        elif ticket.owner == agent:
            tx.tickets.touch(ticket.id, now)  # who writes is active: the claim does not expire
        tx.drafts.remember(record)


def let_go(tx: Transaction, agent: str, gone: Collection[int], now: float) -> None:
    """The agent has no draft to these tickets any more; those that only a draft claimed are free again."""
    known = tx.drafts.written(agent)
    for row in gone:
        record = known.get(row)
        if record is not None and record.claimed:
            _release(tx, agent, follow_merges(tx, tx.tickets.get(row)), now)
        tx.drafts.forget(agent, row)


def _lock(tx: Transaction, site: Site, agent: str, ticket: Ticket, now: float) -> None:
    claim(tx, site.desks[ticket.desk], ticket, agent=agent, now=now)
    tx.history.add_event(ticket, DRAFTING, agent, "a draft of an answer lies in Drafts", now)


def _release(tx: Transaction, agent: str, ticket: Ticket, now: float) -> None:
    is_held = ticket.state is State.CLAIMED and ticket.owner == agent
    if is_held and is_claim_of_draft(agent, tx.history.events(ticket.id)):
        release(tx, ticket, who="mailproc", now=now)
        tx.history.add_event(ticket, "draft_gone", "mailproc", f"{agent} has no draft any more", now)


def _tell(tx: Transaction, site: Site, record: DraftRecord, ticket: Ticket, now: float) -> None:
    answered = ticket.state is State.ANSWERED
    what = "answered it on" if answered else "works on it since"
    when = shown_moment(_last(tx, ticket, "answered" if answered else "claimed"))
    owner = site.agents.get(ticket.owner)
    who = f"{owner.title} ({owner.name})" if owner and owner.title != owner.name else ticket.owner
    tell(
        tx,
        site,
        record.agent,
        ticket,
        key=f"drafting:{record.agent}:{record.ticket}:{record.since}",
        subject=f"{ticket.owner} has ticket {ticket.number}",
        text=f"{ticket.subject}\n\nYou have a draft to this ticket, and\n{who} {what} {when}.\n",
        now=now,
    )


def _last(tx: Transaction, ticket: Ticket, what: str) -> float:
    moments = [event.at for event in tx.history.events(ticket.id) if event.what == what]
    return moments[-1] if moments else ticket.updated
