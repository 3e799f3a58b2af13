"""Who gets a ticket: the agents who may have it, and the rule by which one of them is chosen.

A rule of the route stage says who may (``Assignment``); who it is, is decided when the ticket is stored,
because two mails that come together must not both go to whoever has the least to do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

NOBODY = ("", "")

_ABSENCE = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*/\s*(\d{4}-\d\d-\d\d))?")

Absence = tuple[date, date]  # the first day and the last one


class Way(StrEnum):
    NONE = "none"
    ROUND_ROBIN = "round_robin"  # one after the other
    LEAST_LOADED = "least_loaded"  # who holds the fewest tickets


@dataclass(frozen=True, slots=True)
class Workload:
    """What an agent has to do at a desk.  ``turn`` grows with each ticket given out; 0: never got one."""

    claimed: int = 0
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who may get a ticket, in the order of the desk's agents.

    ``sticky``: before all others the one who had the customer's last ticket.  Who holds ``most`` tickets gets
    no more; 0 is no limit.
    """

    candidates: tuple[str, ...]
    way: Way = Way.NONE
    sticky: bool = False
    most: int = 0

    def choose(self, workloads: Mapping[str, Workload], last_agent: str) -> tuple[str, str]:
        """The agent and why; NOBODY where it is nobody.  ``last_agent`` is the customer's."""
        loads = {agent: workloads.get(agent, Workload()) for agent in self.candidates}
        free = [agent for agent in self.candidates if not self.most or loads[agent].claimed < self.most]
        if self.sticky and last_agent in free:
            return last_agent, "had this customer's last ticket"
        if not free:
            return NOBODY
        if self.way is Way.LEAST_LOADED:
            chosen = min(free, key=lambda agent: (loads[agent].claimed, loads[agent].turn))
            return chosen, f"holds {loads[chosen].claimed} tickets, nobody fewer"
        if self.way is Way.ROUND_ROBIN:
            return min(free, key=lambda agent: loads[agent].turn), "it was this agent's turn"
        return NOBODY


@dataclass(frozen=True, slots=True)
class Profile:
    """What routing knows of an agent."""

    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()  # lower case; empty: any
    absences: tuple[Absence, ...] = ()

    def is_absent(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.absences)

    def reads(self, language: str) -> bool:
        """Whether the agent reads this language; ``pt`` is read by who reads ``pt-BR`` and the reverse."""
        wanted = language.lower().partition("-")[0]
        return (
            not wanted or not self.languages or wanted in {each.partition("-")[0] for each in self.languages}
        )


def parse_absence(text: str) -> Absence:
    """``2026-12-24`` or ``2026-12-24/2026-12-31``, both days included; ValueError."""
    found = _ABSENCE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'"{text}" is no absence, write "2026-12-24" or "2026-12-24/2026-12-31"')
    first = date.fromisoformat(found[1])
    last = date.fromisoformat(found[2]) if found[2] else first
    if last < first:
        raise ValueError(f'"{text}" ends before it begins')
    return first, last
