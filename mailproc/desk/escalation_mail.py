"""Mails about tickets that are in danger or too late: one for a ticket, or one for many.

Whom a step calls is kept in the store with the step; the mails are made when every ticket was looked at, so
that who is called about many tickets gets one mail.  What is written and the calls it answers are one
transaction.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Sequence

from mailproc.desk.change import follow_merges
from mailproc.desk.notice import Notice, give_notice
from mailproc.desk.site import Site
from mailproc.model.line import one_line
from mailproc.model.moment import shown_moment
from mailproc.pipeline.letters import Letters, render_letter
from mailproc.pipeline.template import Value
from mailproc.store.protocol import Transaction
from mailproc.store.targets import Call

log = logging.getLogger("mailproc.clock")

MOST_SINGLE = 5  # mails to one agent at one time; more are one mail
MOST_LISTED = 500  # tickets in it
_LONGEST_NAME = 150  # characters of what strangers wrote


def make_calls(tx: Transaction, site: Site, letters: Letters, now: float) -> int:
    """Put a mail for everybody who is called into the outbox; return how many."""
    calls = tx.targets.calls()
    if not calls:
        return 0
    by_agent: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_agent[call.agent].append(call)
    made = 0
    for agent, of_agent in by_agent.items():
        for together in _gathered(of_agent):
            _write(tx, site, letters, agent, together, now)
            made += 1
    tx.targets.called(calls[-1].id)
    return made


def _gathered(calls: Sequence[Call]) -> list[list[Call]]:
    """What goes into one mail: each call by itself, or all of them with one letter."""
    if len(calls) <= MOST_SINGLE:
        return [[call] for call in calls]
    by_letter: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls:
        by_letter[call.desk, call.template].append(call)
    return list(by_letter.values())


def _write(
    tx: Transaction, site: Site, letters: Letters, agent: str, calls: Sequence[Call], now: float
) -> None:
    desk, person = site.desks.get(calls[0].desk), site.agents.get(agent)
    if desk is None or person is None:
        return
    each_once = list({call.ticket: call for call in calls}.values())
    _, template = letters.best(calls[0].template, desk, desk.language)
    if template is None:
        log.error("desk=%s template=%s: there is none", desk.name, calls[0].template)
        return
    values: dict[str, Value] = {
        "agent": person.title,
        "desk": desk.title,
        "count": len(each_once),
        "left_out": max(0, len(each_once) - MOST_LISTED),
        "tickets": [_values(tx, site, call, now) for call in each_once[:MOST_LISTED]],
    }
    try:
        subject, text = render_letter(template, values)
    except ValueError as error:
        log.error("desk=%s template=%s: %s", desk.name, calls[0].template, error)
        return
    digest = hashlib.sha256(" ".join(call.key for call in calls).encode()).hexdigest()
    notice = Notice(f"escalation:{agent}:{digest}", subject, text)
    alone = tx.tickets.get(each_once[0].ticket) if len(each_once) == 1 else None
    give_notice(tx, site, agent, desk, notice, now, ticket=alone)


def _values(tx: Transaction, site: Site, call: Call, now: float) -> dict[str, Value]:
    ticket = follow_merges(tx, tx.tickets.get(call.ticket))
    return {
        "number": ticket.number,
        "tag": site.keyring.tag(ticket.number),
        "subject": one_line(ticket.subject, _LONGEST_NAME),
        "customer": one_line(ticket.customer, _LONGEST_NAME),
        "owner": ticket.owner,
        "state": ticket.state.value,
        "kind": call.kind.value,
        "due": shown_moment(call.moment) if call.moment is not None else "",
        "over": call.moment is not None and call.moment <= now,
    }
