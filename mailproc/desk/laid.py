"""Draft replies that we lay into an agent's Drafts when the agent takes a ticket.

A draft holds the best standard answer, filled in for the ticket, above the customer's text.  It is laid once
for each agent and mail of the customer, and only where a standard answer fits: one that is named like the
ticket's topic, or one that answered similar mails.  What stands in the customer's mail may become no command
and no standard answer in it: then nothing is laid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from mailproc.desk.canned import Canned, NotExpanded, canned_of, expand, suggest
from mailproc.desk.change import follow_merges
from mailproc.desk.context import Context, context_of_ticket
from mailproc.desk.letter import letter_values
from mailproc.desk.similar import similar_answers, words_about
from mailproc.desk.site import Agent, Site
from mailproc.mime.commands import extract_commands
from mailproc.mime.compose import compose
from mailproc.mime.insert import CannotInsert, find_inserts, insert
from mailproc.mime.reader import read
from mailproc.mime.rewrite import RewritePlan, from_header, rewrite
from mailproc.model.address import Mailbox
from mailproc.model.draft import LaidDraft
from mailproc.model.line import one_line
from mailproc.model.ticket import State
from mailproc.store.protocol import Transaction

HEADER = "X-Mailproc-Draft"

_USES = 300  # standard answers given lately that a ticket is compared with
_QUOTED_LINES = 400
_QUOTED = 20_000  # characters
_REPLY = re.compile(r"\s*re\s*:", re.IGNORECASE)


def is_still_wanted(tx: Transaction, laid: LaidDraft) -> bool:
    """Does the agent still work on the ticket, and has not answered?"""
    ticket = follow_merges(tx, tx.tickets.get(laid.ticket))
    return ticket.state is State.CLAIMED and ticket.owner == laid.agent


def note_laid(tx: Transaction, laid: LaidDraft, now: float) -> None:
    """It lies there now."""
    ticket = follow_merges(tx, tx.tickets.get(laid.ticket))
    tx.history.add_event(ticket, "draft_laid", "mailproc", f"into {laid.agent}'s Drafts", now)


def draft_reply(
    tx: Transaction, site: Site, laid: LaidDraft, files: Sequence[Canned], now: float
) -> bytes | None:
    """The draft, ready to be appended; None where no standard answer fits well.

    ``files`` are the standard answers that lie in files.
    """
    ticket, agent = follow_merges(tx, tx.tickets.get(laid.ticket)), site.agents.get(laid.agent)
    if agent is None or ticket.desk not in site.desks:
        return None
    context = context_of_ticket(tx, site, ticket)
    if context.customer is None:
        return None
    canned = canned_of(tx, context.desk.name, files)
    similar = similar_answers(words_about(context.answered_raw), tx.canned.uses(context.desk.name, _USES))
    best = suggest(canned, context.ticket.topic, similar)
    if best is None:
        return None
    try:
        raw = _filled_in(site, agent, context, context.customer, best, canned)
        return _unambiguous(rewrite(raw, _plan(site, agent, context, context.customer, laid, now)))
    except (CannotInsert, NotExpanded, ValueError):
        return None


def _filled_in(
    site: Site, agent: Agent, context: Context, customer: Mailbox, best: Canned, canned: Sequence[Canned]
) -> bytes:
    """A mail with the answer above the customer's text."""
    values = letter_values(site, context.desk, agent, context.ticket, customer, context.notes)
    languages = (context.ticket.language, context.desk.language)
    subject = one_line(context.answered.subject if context.answered else "") or context.ticket.subject
    subject = subject if _REPLY.match(subject) else f"Re: {subject}"
    raw = compose([("Subject", subject)], f"::{best.name}\n\n{_quoted(context, customer)}")
    return insert(raw, expand([best.name], canned, values, languages))


def _plan(
    site: Site, agent: Agent, context: Context, customer: Mailbox, laid: LaidDraft, now: float
) -> RewritePlan:
    desk, mark = context.desk, site.keyring.draft_id(laid.id)
    address = site.keyring.reply_address(desk, context.ticket.number) or desk.address
    answered = context.answered
    return RewritePlan(
        sender=from_header(agent.title, agent.address),
        to=(Mailbox(one_line(f"{customer.name or customer.address} via {desk.title}"), address),),
        message_id=f"<{mark}@{site.hostname}>",
        date=now,
        in_reply_to=(answered.message_id,) if answered and answered.message_id else (),
        references=read(context.answered_raw).references if context.answered_raw else (),
        extra=((HEADER, mark),),
    )


def _quoted(context: Context, customer: Mailbox) -> str:
    """The customer's text as a client quotes it, under a line that says whose it is."""
    if context.answered is None or not context.answered_raw:
        return ""
    moment = datetime.fromtimestamp(context.answered.date or context.answered.at, UTC)
    who = customer.name or str(customer.address)
    lines = read(context.answered_raw).text[:_QUOTED].strip().splitlines()[:_QUOTED_LINES]
    quoted = (f"> {line}".rstrip() for line in lines)
    return "\n".join([f"On {moment:%Y-%m-%d %H:%M} UTC, {who} wrote:", *quoted, ""])


def _unambiguous(raw: bytes) -> bytes:
    """CannotInsert where the agent's own mail would say something that only agents may say."""
    commands = extract_commands(raw)
    if commands.lines or commands.problems or find_inserts(raw):
        raise CannotInsert("what the customer wrote looks like a command")
    return raw
