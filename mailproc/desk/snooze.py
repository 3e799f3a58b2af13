"""Tickets that are put aside until a time, or until their customer answers, and how they come back.

A mail that a person wrote wakes a ticket at any time; automatic mail never does.  A ticket that wakes by time
goes back to its owner, who is told by mail, or to New where nobody has it or its owner is absent; there its
newest mail is laid on top, flagged.  Of many that wake together one mail tells.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from mailproc.desk.absence import read_absences
from mailproc.desk.change import Refused, change_state
from mailproc.desk.lay import lay_again
from mailproc.desk.notice import Notice, give_notice
from mailproc.desk.site import Site
from mailproc.model.absence import Absences
from mailproc.model.folder import shelf_for
from mailproc.model.ticket import Move, Ticket
from mailproc.store.protocol import Transaction

MOST_WOKEN = 200  # at one look at the clock
MOST_NOTICES = 5  # to one agent at one look; more tickets than that are told of in one mail
WHO = "mailproc"
BACK = "snooze: the time is up, and the customer has not written since"


def snooze(tx: Transaction, ticket: Ticket, *, until: float, who: str, now: float) -> Ticket:
    """Put a ticket aside until a time, or until its customer writes (infinity); that wakes it at any time."""
    if until <= now:
        raise Refused("the time to snooze until is past")
    snoozed = change_state(tx, ticket, Move.SNOOZE, who=who, now=now, detail=_detail(until))
    tx.tickets.snooze_until(ticket.id, until if math.isfinite(until) else None, shelf_for(until - now))
    return snoozed


def wake_due(tx: Transaction, site: Site, *, now: float) -> int:
    """Wake the tickets whose time has come and remind their owners; return how many."""
    due = tx.tickets.snoozed_until(now, MOST_WOKEN)
    absences = read_absences(tx, site, now) if due else Absences()
    woken: defaultdict[tuple[str, str], list[Ticket]] = defaultdict(list)
    for ticket in due:
        lay_again(tx, ticket, BACK, now)
        if _is_absent(site, absences, ticket, now):
            detail = f"{ticket.owner} is absent"
            change_state(tx, ticket, Move.WAKE, who=WHO, owner="", now=now, detail=detail)
            continue
        change_state(tx, ticket, Move.WAKE, who=WHO, now=now)
        if ticket.owner:
            woken[ticket.desk, ticket.owner].append(ticket)
    for (desk, owner), tickets in woken.items():
        _remind(tx, site, desk, owner, tickets, now)
    return len(due)


def _is_absent(site: Site, absences: Absences, ticket: Ticket, now: float) -> bool:
    desk = site.desks.get(ticket.desk)
    return desk is not None and absences.is_absent(ticket.owner, desk.calendar.date_of(now))


def _remind(
    tx: Transaction, site: Site, desk: str, owner: str, tickets: Sequence[Ticket], now: float
) -> None:
    if len(tickets) > MOST_NOTICES:
        _tell(tx, site, desk, owner, tickets, f"Awake: {len(tickets)} tickets", now)
        return
    for ticket in tickets:
        _tell(tx, site, desk, owner, [ticket], f"Awake: ticket {ticket.number}", now)


def _tell(
    tx: Transaction, site: Site, desk: str, owner: str, tickets: Sequence[Ticket], subject: str, now: float
) -> None:
    lines = [f"  {ticket.number}  {' '.join(ticket.subject.split())}" for ticket in tickets]
    begins = "What you put aside is back, and" if len(tickets) > 1 else "It is back in your folder, and"
    text = "\n".join([*lines, "", f"{begins} no customer has written since.", ""])
    notice = Notice(key=f"woken:{owner}:{tickets[0].id}:{now}", subject=subject, text=text)
    about = tickets[0] if len(tickets) == 1 else None
    give_notice(tx, site, owner, site.desks.get(desk), notice, now, ticket=about)


def _detail(until: float) -> str:
    if math.isinf(until):
        return "until the customer answers"
    return f"until {datetime.fromtimestamp(until, UTC).isoformat(timespec='minutes')}"
