"""Agents who are absent: what is known of it, and what begins with it.

When an absence begins at a desk, the agent's claims there are released, once for each absence; what the agent
has put aside or answered stays, but comes back into New when it wakes or is answered.  The clock begins what
was told before; a row for each agent and desk that is away says that it has begun.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from mailproc.desk.change import Refused, change_state
from mailproc.desk.site import Site
from mailproc.model.absence import FOREVER, OFF, Absences, AgentAbsence, Origin, parse_days, shown_days
from mailproc.model.desk import Desk
from mailproc.model.ticket import Move
from mailproc.store.protocol import Transaction

FRESH = 5.0  # seconds in which the store is not asked again for every mail
WHO = "mailproc"

_DAY = timedelta(days=1)


@dataclass(slots=True)
class KnownAbsences:
    """What one part remembers of absences, a few seconds old at most, so that no mail costs a look."""

    site: Site
    _absences: Absences = field(default_factory=Absences)
    _read: float = float("-inf")

    def is_absent(self, tx: Transaction, desk: Desk, agent: str, now: float) -> bool:
        if not self.is_fresh(now):
            self.refresh(tx, now)
        return self.remembers(desk, agent, now)

    def refresh(self, tx: Transaction, now: float) -> None:
        self._absences, self._read = read_absences(tx, self.site, now), now

    def is_fresh(self, now: float) -> bool:
        return 0 <= now - self._read < FRESH

    def remembers(self, desk: Desk, agent: str, at: float) -> bool:
        return self._absences.is_absent(agent, desk.calendar.date_of(at))


def read_absences(tx: Transaction, site: Site, now: float) -> Absences:
    """Of the configuration and of the store; what is over by now may be missing."""
    long_over = datetime.fromtimestamp(now, UTC).date() - 2 * _DAY  # in every zone
    configured = [
        AgentAbsence(agent.name, first, last, Origin.CONFIGURATION)
        for agent in site.agents.values()
        for first, last in agent.profile.absences
    ]
    return Absences((*configured, *tx.absences.until_or_after(long_over)))


def today_of(site: Site, agent: str, now: float) -> date:
    """The date where the agent works: that of the first desk's zone."""
    desk = next(iter(site.desks_of(agent)), None)
    return desk.calendar.date_of(now) if desk else datetime.fromtimestamp(now, UTC).date()


# What agents and operators say


def set_absent(tx: Transaction, site: Site, absence: AgentAbsence, *, now: float, who: str = WHO) -> int:
    """Write an absence down, and begin it where it begins today; how many claims were released."""
    if absence.last < today_of(site, absence.agent, now):
        raise Refused(f"{absence.last} is past")
    tx.absences.put(absence, now)
    return turn_absences(tx, site, now, who=who)


def set_present(tx: Transaction, site: Site, agent: str, *, now: float) -> None:
    """Take back every absence that is not over; Refused where the configuration says otherwise."""
    today = today_of(site, agent, now)
    ended = tx.absences.end(agent, today, today - _DAY)
    turn_absences(tx, site, now)
    last = read_absences(tx, site, now).last_day(agent, today)
    if last is not None:
        raise Refused(f"{agent} is absent until {last} by the configuration: change it there")
    if not ended:
        raise Refused(f"{agent} was not absent")


def tell_absence(tx: Transaction, site: Site, agent: str, text: str, *, now: float) -> str:
    """Do what an agent says of himself, ``off`` or days (model/absence.py), and say what was done."""
    if text.strip().lower() == OFF:
        set_present(tx, site, agent, now=now)
        return "you are here again"
    first, last = parse_days(text, today_of(site, agent, now))
    released = set_absent(tx, site, AgentAbsence(agent, first, last, Origin.MAIL), now=now, who=agent)
    until_off = ", until you say #absent off" if last == FOREVER else ""
    return f"you are absent {shown_days(first, last)}{until_off}; {released} tickets are back in New"


def heed_notice(tx: Transaction, site: Site, agent: str, *, now: float) -> bool:
    """The agent's own absence notice: absent until the end of tomorrow.  True where that is news."""
    today = today_of(site, agent, now)
    if tx.absences.prolong(agent, Origin.NOTICE, today, today + _DAY):
        return False
    was_absent = read_absences(tx, site, now).is_absent(agent, today)
    set_absent(tx, site, AgentAbsence(agent, today, today + _DAY, Origin.NOTICE), now=now)
    return not was_absent


# What the clock does


def is_absence_due(tx: Transaction, site: Site, now: float) -> bool:
    """Has an absence begun or ended that nothing was done about yet?"""
    return tx.absences.away() != _away_now(tx, site, now)


def turn_absences(tx: Transaction, site: Site, now: float, *, who: str = WHO) -> int:
    """Begin absences that are due, and end those that are over; how many claims were released."""
    begun, wanted = tx.absences.away(), _away_now(tx, site, now)
    for agent, desk in sorted(begun - wanted):
        tx.absences.set_here(agent, desk)
    return sum(_begin(tx, site, agent, site.desks[desk], now, who) for agent, desk in sorted(wanted - begun))


def _away_now(tx: Transaction, site: Site, now: float) -> set[tuple[str, str]]:
    absences = read_absences(tx, site, now)
    return {
        (agent, desk.name)
        for desk in site.desks.values()
        for agent in desk.agents
        if absences.is_absent(agent, desk.calendar.date_of(now))
    }


def _begin(tx: Transaction, site: Site, agent: str, desk: Desk, now: float, who: str) -> int:
    if not tx.absences.set_away(agent, desk.name, now):
        return 0
    last = read_absences(tx, site, now).last_day(agent, desk.calendar.date_of(now))
    until = "" if last in (None, FOREVER) else f" until {last}"
    claims = tx.waiting.claims_of(desk.name, agent)
    for claim in claims:
        ticket = tx.tickets.get(claim)
        change_state(tx, ticket, Move.RELEASE, who=who, owner="", now=now, detail=agent)
        tx.history.add_event(ticket, "owner_absent", WHO, f"{agent} is absent{until}", now)
    return len(claims)
