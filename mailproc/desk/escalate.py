"""Take the steps of a desk's escalation when their time has come: each once for a clock, whatever happens.

The store knows when each ticket must be looked at next, and every event says that its ticket must be looked
at now.  A step is written down in the transaction that takes it, under the clock that it is for; so a crash,
a clock that is put back and two workers at once repeat nothing, and what was missed for a week is made up
for, once.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace

from mailproc.desk.change import change_state
from mailproc.desk.escalation_mail import make_calls
from mailproc.desk.lay import lay_again
from mailproc.desk.site import Site
from mailproc.desk.target import Planned, Standing, standing
from mailproc.desk.transfer import hand_over
from mailproc.model.desk import Desk
from mailproc.model.escalation import HIGH, IMPORTANCE, LOW, PRIORITY_TAGS, Addressee, shown_span
from mailproc.model.moment import shown_moment
from mailproc.model.target import KIND_TITLES, Kind
from mailproc.model.ticket import Move, Ticket
from mailproc.pipeline.letters import Letters
from mailproc.store.protocol import Store, Transaction
from mailproc.store.targets import Call, Mark

log = logging.getLogger("mailproc.clock")

WHO = "mailproc"
AT_ONCE = 25  # tickets in one transaction: intake waits for no longer than some tenths of a second
EVENTS_AT_ONCE = 100


async def escalate_due(store: Store, site: Site, letters: Letters, now: float) -> int:
    """Look at every ticket that changed or whose time has come; return how many steps were taken."""
    taken = 0
    while await store.read(lambda tx: _is_anything_to_do(tx, site, now)):
        taken += await store.write(lambda tx: _look(tx, site, now))
    if await store.read(lambda tx: bool(tx.targets.calls())):
        await store.write(lambda tx: make_calls(tx, site, letters, now))
    if taken:
        log.info("escalated=%d", taken)
    return taken


def _is_anything_to_do(tx: Transaction, site: Site, now: float) -> bool:
    """Nothing, whatever happens, where no desk has targets, or had some when this was looked at last."""
    if _changed_rules(tx, site, now):
        return True
    if not any(desk.escalation.rules for desk in site.desks.values()):
        return False
    return tx.targets.seen() < tx.targets.newest_event() or bool(tx.targets.due(now, 1))


def _look(tx: Transaction, site: Site, now: float) -> int:
    _take_up_rules(tx, site, now)
    seen, newest = tx.targets.seen(), tx.targets.newest_event()
    until = min(newest, seen + EVENTS_AT_ONCE)
    tickets = dict.fromkeys(tx.targets.changed(seen, until))
    tickets |= dict.fromkeys(tx.targets.due(now, AT_ONCE))
    since = {name: mark.since for name, mark in tx.targets.marks().items()}
    taken = sum(_take_care(tx, site, tx.tickets.get(row), since, now) for row in tickets)
    # Our own events would have us look at the same tickets again: all that they changed is known.
    ours = tx.targets.newest_event()
    tx.targets.set_seen(ours if until == newest else until)
    return taken


# The desks' rules


def _digest(desk: Desk, now: float) -> str:
    """Of all that decides when something is due at a desk; "" for one without targets."""
    rules = desk.escalation.rules
    if not rules:
        return ""
    told = [(rule.target, sorted(rule.tags), rule.priority, rule.notes) for rule in rules]
    steps = [(step.key, sorted(step.kinds)) for step in desk.escalation.steps]
    text = repr((told, steps, desk.calendar.described(now)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _changed_rules(tx: Transaction, site: Site, now: float) -> dict[str, str]:
    """The desks whose rules are not those that were looked at last, with the digest of the new ones."""
    marks = tx.targets.marks()
    digests = dict.fromkeys(marks, "") | {name: _digest(desk, now) for name, desk in site.desks.items()}
    known = {name: mark.rules for name, mark in marks.items()}
    return {name: digest for name, digest in digests.items() if digest != known.get(name, "")}


def _take_up_rules(tx: Transaction, site: Site, now: float) -> None:
    """Open tickets of a desk with new rules are looked at; what was due before it had any does nothing."""
    marks = tx.targets.marks()
    if not marks:
        tx.targets.set_seen(tx.targets.newest_event())  # no need to go through years of events
    for name, mark in marks.items():
        if mark.since > now:  # the machine's clock was ahead then
            tx.targets.set_mark(name, replace(mark, since=now))
    for name, digest in _changed_rules(tx, site, now).items():
        if digest:
            tx.targets.set_mark(name, Mark(digest, marks[name].since if name in marks else now))
            tx.targets.look_at_all(name, now)
        else:
            tx.targets.forget_desk(name)


# One ticket


def _take_care(tx: Transaction, site: Site, ticket: Ticket, since: dict[str, float], now: float) -> int:
    """Take the steps of a ticket that are due, and write down when it is to be looked at next."""
    taken = 0
    found, following = _outlook(tx, site, ticket, since, now)
    while following is not None and following.moment <= now:
        _take(tx, site, site.desks[ticket.desk], ticket, following, now)
        taken += 1
        ticket = tx.tickets.get(ticket.id)
        found, following = _outlook(tx, site, ticket, since, now)
    if found is None or all(each.clock.ended is not None for each in found.timings):
        tx.targets.remove(ticket.id)
    else:
        when = following.moment if following else None
        tx.targets.put(ticket.id, ticket.desk, replace(found.due, next=when))
    return taken


def _outlook(
    tx: Transaction, site: Site, ticket: Ticket, since: dict[str, float], now: float
) -> tuple[Standing | None, Planned | None]:
    """How a ticket stands, and the first of its steps that is not taken."""
    desk = site.desks.get(ticket.desk)
    found = standing(tx, desk, ticket, now) if desk and ticket.merged_into is None else None
    planned = found.planned(desk, since.get(desk.name, now)) if desk and found else []
    return found, next(iter(_left(tx, ticket, planned)), None)


def _left(tx: Transaction, ticket: Ticket, planned: list[Planned]) -> list[Planned]:
    """Those that were not taken."""
    if not planned:
        return []
    taken = tx.targets.taken(ticket.id)
    return [each for each in planned if each.key not in taken]


def _take(tx: Transaction, site: Site, desk: Desk, ticket: Ticket, planned: Planned, now: float) -> None:
    """One step: its event first, then what it does, the other desk last."""
    tx.targets.take(ticket.id, planned.key, now)
    tx.history.add_event(ticket, "escalated", WHO, _told(planned), now)
    step = planned.step
    tx.history.add_tags(ticket, step.tags)
    if step.priority:
        tx.history.remove_tags(ticket, (HIGH, LOW))
        if tag := PRIORITY_TAGS[step.priority]:
            tx.history.add_tags(ticket, (tag,))
    kind, started, key = planned.key
    for agent in _addressees(desk, ticket, planned):
        named = f"{ticket.number}:{kind}:{started}:{key}"
        due = planned.timing.due
        tx.targets.call(Call(named, agent, desk.name, ticket.id, Kind(kind), due, step.template))
    if step.release and ticket.owner:
        ticket = change_state(tx, ticket, Move.RELEASE, who=WHO, owner="", now=now, detail=ticket.owner)
    if step.desk and step.desk in site.desks and step.desk != ticket.desk:
        ticket = hand_over(tx, ticket, site.desks[step.desk], who=WHO, now=now)
    if step.lay:
        importance = [("X-Priority", IMPORTANCE[step.priority])] if step.priority else []
        lay_again(tx, ticket, _note(planned), now, more=importance)


def _addressees(desk: Desk, ticket: Ticket, planned: Planned) -> list[str]:
    """Whom the step calls, each once."""
    people = {
        Addressee.OWNER: (ticket.owner,),
        Addressee.TEAM: desk.agents,
        Addressee.LEAD: (desk.escalation.lead,),
    }
    named = [agent for addressee in planned.step.mail for agent in people[addressee]]
    return [agent for agent in dict.fromkeys(named) if agent]


def _note(planned: Planned) -> str:
    """What a header says of it, on one line: ``due: first answer, 2026-11-23 10:00 UTC``."""
    due = planned.timing.due
    when = shown_moment(due) if due is not None else "unknown"
    return f"due: {KIND_TITLES[planned.timing.clock.kind]}, {when}"


def _told(planned: Planned) -> str:
    step, timing = planned.step, planned.timing
    late = f" and {shown_span(step.after)}" if step.after else ""
    done = [
        *([f"tagged {', '.join(step.tags)}"] if step.tags else []),
        *([f"priority {step.priority}"] if step.priority else []),
        *([f"mail to {', '.join(step.mail)}"] if step.mail else []),
        *(["laid on top"] if step.lay else []),
        *(["released"] if step.release else []),
        *([f"to desk {step.desk}"] if step.desk else []),
    ]
    allowed = f"{shown_span(timing.target)} allowed"
    return f"{_note(planned)} ({allowed}); {step.at}{late}: {', '.join(done)}"
