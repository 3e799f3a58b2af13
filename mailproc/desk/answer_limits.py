"""How many automatic answers may leave: to one address, to one domain, and in total (RFC 3834 section 2).

Upper bounds cost little; only where one reaches a limit are rows counted.  When the total is reached, a
circuit breaker stops all automatic answers: it closes again an hour after the last one, if the total allows
it by then.
"""

from __future__ import annotations

import logging

from mailproc.model.address import Address
from mailproc.model.auto_answer import AcknowledgementLimits
from mailproc.model.ticket import Ticket
from mailproc.store.auto_answers import DAY, HOUR, SentUntilNow
from mailproc.store.protocol import Transaction

log = logging.getLogger("mailproc.acknowledge")

NO_TICKET = 0  # counts an answer for its recipient, but not for its ticket


def limit_reached(
    tx: Transaction,
    limits: AcknowledgementLimits,
    recipient: Address,
    sent: SentUntilNow,
    now: float,
    *,
    vouched: bool,
) -> str:
    """Which limit forbids one more answer to this address; "" when none does."""
    return (
        breaker_open(tx, limits, sent, now)
        or _recipient_limit(tx, limits, recipient, sent, now, vouched=vouched)
        or _unvouched_limit(tx, limits, sent, now, vouched=vouched)
    )


def breaker_open(tx: Transaction, limits: AcknowledgementLimits, sent: SentUntilNow, now: float) -> str:
    """Open while the total of 24 hours is reached, and for an hour after the answer that reached it."""
    if sent.within_day < limits.total:
        return ""
    just_now = sent.newest is not None and now - sent.newest < HOUR
    if tx.auto_answers.total(DAY, sent.newest if sent.newest and just_now else now) < limits.total:
        return ""
    return f"circuit breaker: {limits.total} automatic answers within 24 hours"


def count_answer(
    tx: Transaction,
    limits: AcknowledgementLimits,
    ticket: Ticket,
    recipient: Address,
    sent: SentUntilNow,
    now: float,
    *,
    vouched: bool,
    of_ticket: bool = True,
) -> None:
    """Write down that one leaves, and say when it is the last for now."""
    row = ticket.id if of_ticket else NO_TICKET
    tx.auto_answers.add(ticket.desk, row, recipient.key, recipient.domain, vouched, now)
    total = limits.total
    if sent.within_day + 1 >= total and tx.auto_answers.total(DAY, now) >= total:
        log.warning("automatic answers stopped: %d within 24 hours, the limit is reached", total)


def _recipient_limit(
    tx: Transaction,
    limits: AcknowledgementLimits,
    recipient: Address,
    sent: SentUntilNow,
    now: float,
    *,
    vouched: bool,
) -> str:
    today = sent.within_day
    allowed = limits.per_sender if vouched else min(limits.per_sender, limits.unvouched_per_sender)
    if today >= allowed and tx.auto_answers.to_recipient(recipient.key, DAY, now) >= allowed:
        return f"limit: {allowed} automatic answers to {recipient} within 24 hours"
    domain = recipient.domain
    if today >= limits.per_domain and tx.auto_answers.to_domain(domain, DAY, now) >= limits.per_domain:
        return f"limit: {limits.per_domain} automatic answers to {domain} within 24 hours"
    return ""


def _unvouched_limit(
    tx: Transaction, limits: AcknowledgementLimits, sent: SentUntilNow, now: float, *, vouched: bool
) -> str:
    cap = limits.unvouched
    if vouched or sent.within_hour < cap or tx.auto_answers.unvouched(HOUR, now) < cap:
        return ""
    return f"limit: {cap} automatic answers to senders that nothing authenticated, within an hour"
