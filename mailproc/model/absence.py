"""Who is absent, and when: days of the configuration, and those that were told by command or mail.

A day is one of the desk's calendar: whoever is absent on a date is so from midnight to midnight on the wall
of the desk's zone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from mailproc.model.assignment import parse_absence

FOREVER = date.max  # until it is taken back
OFF = "off"

_DAY = timedelta(days=1)
_UNTIL = re.compile(r"(?:until|to)\s+(\S+)")


class Origin(StrEnum):
    """Who said so."""

    CONFIGURATION = "configuration"
    COMMAND = "command"  # the command line
    MAIL = "mail"  # the command #absent
    NOTICE = "notice"  # the agent's own vacation notice


@dataclass(frozen=True, slots=True)
class AgentAbsence:
    """Both days are included; ``last`` may be FOREVER."""

    agent: str
    first: date
    last: date
    origin: Origin

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last

    @property
    def shown(self) -> str:
        return shown_days(self.first, self.last)


@dataclass(frozen=True)
class Absences:
    """All that is known of absences, of every agent."""

    known: Iterable[AgentAbsence] = ()
    _by_agent: Mapping[str, list[AgentAbsence]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_agent: defaultdict[str, list[AgentAbsence]] = defaultdict(list)
        for each in sorted(self.known, key=lambda each: (each.first, each.last)):
            by_agent[each.agent].append(each)
        object.__setattr__(self, "_by_agent", dict(by_agent))

    def of(self, agent: str) -> tuple[AgentAbsence, ...]:
        """By their first days."""
        return tuple(self._by_agent.get(agent, ()))

    def is_absent(self, agent: str, day: date) -> bool:
        return any(each.covers(day) for each in self._by_agent.get(agent, ()))

    def last_day(self, agent: str, day: date) -> date | None:
        """The last day of an absence that covers ``day``, with what follows it without a gap; or None."""
        end: date | None = None
        for each in self._by_agent.get(agent, ()):
            wanted = day if end is None else _next(end)
            if each.first <= wanted and each.last >= day:
                end = max(each.last, end or each.last)
        return end


def parse_days(text: str, today: date) -> tuple[date, date]:
    """``2026-12-24``, ``2026-12-24/2026-12-31`` or ``until 2026-12-31``; nothing is from today until it is
    taken back.  ValueError where the text is none of these, or the days are over."""
    text = text.strip().lower()
    if not text:
        return today, FOREVER
    until = _UNTIL.fullmatch(text)
    first, last = parse_absence(f"{today}/{until[1]}" if until else text)
    if last < today:
        raise ValueError(f"{last} is past")
    return first, last


def shown_days(first: date, last: date) -> str:
    if last == FOREVER:
        return f"from {first}"
    return f"on {first}" if first == last else f"{first} to {last}"


def _next(day: date) -> date:
    return day if day == FOREVER else day + _DAY
