"""The simulated desk at work: its tickets in its own books, the site, and what time does by itself.

Each change is first written into the books and then waited for in the store; nothing else is done, and the
clock does not move on, before the store has it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bench.desk_books import Case
from bench.desk_clocks import MINUTE, WORK, Rules
from bench.desk_rules import BERLIN, DESKS, SUPPORT
from bench.desk_site import AGENTS, SimulatedSite
from tests.rig.sink import Caught

# Events that the books know of; of others there may be any number.
KNOWN = (
    *("claimed", "claim_lost", "released", "answered", "snoozed", "woken", "warned", "not_warned", "closed"),
    *("reopened", "marked_spam", "unmarked_spam", "escalated", "held", "dropped", "bounced", "undelivered"),
    *("owner_absent", "absence_noticed", "claim_expired", "merged", "split", "transferred", "taken_back"),
)
NOBODY_KNOWS = "?"  # who answered what is now a ticket's newest mail
MOST_SINGLE = 5  # mails to one agent at one look at the clock; more are gathered
FAMILY = """
    SELECT id FROM ticket
    WHERE number = :n OR merged_into = (SELECT id FROM ticket WHERE number = :n)
"""
STORY = (  # columns, table, its column with the ticket
    ("id, number, state, owner, turn, turn_answered, answered_by, merged_into", "ticket", "id"),
    ("at, ticket, turn, direction, status, automatic, agent, message_id, subject", "message", "ticket"),
    ("at, ticket, what, who, detail", "event", "ticket"),
)


@dataclass(frozen=True)
class Held:
    """An answer that is held."""

    agent: str
    answers: str  # which mail
    notice: str  # that told of it
    decided_at: str  # the address at which its author says what is to become of it


@dataclass(frozen=True)
class Leaving:
    """An answer that leaves at a minute; ``then`` is told what left."""

    at: int
    case: Case
    since: int
    then: Callable[[Caught], None]


@dataclass
class Thread:
    """The mails of a ticket, as its people see them."""

    newest: str  # of the customer's mails, by Message-ID
    before: str = ""  # the one before that
    ours: str = ""  # the newest of ours that reached the customer …
    reply_to: str = ""  # … where it wants replies …
    returns_to: str = ""  # … and its envelope sender, where it was an answer
    answered_by: str = ""  # who answered the newest mail …
    times: int = 0  # … and how often it was answered
    held: list[Held] = field(default_factory=list)


@dataclass
class Office:
    """``now`` is the minute that the simulation is at; ``mails`` counts what was written so far."""

    site: SimulatedSite
    rng: random.Random
    now: int
    cases: list[Case] = field(default_factory=list)
    threads: dict[str, Thread] = field(default_factory=dict)  # by ticket number
    mails: int = 0
    told: Counter[str] = field(default_factory=Counter)  # notices, by what they are about
    happened: Counter[tuple[str, str]] = field(default_factory=Counter)  # table and line of the report
    by_agent: Counter[tuple[str, str]] = field(default_factory=Counter)  # agent, and what
    absences: list[tuple[str, date, date]] = field(default_factory=list)  # agent, first and last day
    away: set[tuple[str, str]] = field(default_factory=set)
    leaving: list[Leaving] = field(default_factory=list)
    plans: dict[int, list[Callable[[], None]]] = field(default_factory=dict)  # by minute

    # Looking

    def today(self, rules: Rules = SUPPORT) -> date:
        """By the desk's own clock."""
        return datetime.fromtimestamp(self.now, rules.hours.zone).date()

    def is_absent(self, agent: str, rules: Rules) -> bool:
        today = self.today(rules)
        return any(who == agent and first <= today <= last for who, first, last in self.absences)

    def present(self, case: Case) -> list[str]:
        return [agent for agent in case.rules.agents if not self.is_absent(agent, case.rules)]

    def some(self, *states: str, desk: str = "") -> Case | None:
        """Any ticket in one of these states."""
        fitting = [c for c in self.cases if not c.whole and c.state in states and desk in ("", c.rules.name)]
        return self.rng.choice(fitting) if fitting else None

    # Doing

    def begin(self) -> None:
        """Something is to happen now: the daemon's clock shows it, too."""
        self.site.move_clock(self.now)

    def settle(self, *changed: Case) -> None:
        """Time may have something to do because of it; then wait until the store has all of that."""
        self._escalate(changed)
        for case in changed:
            self._wait_for(case)
        self.site.until_filed()

    def _wanted(self, case: Case) -> tuple[object, ...]:
        counts = Counter(what for _, what in case.events if what in KNOWN)
        return case.state, case.owner, len(case.letters), counts

    def _wait_for(self, case: Case) -> None:
        wanted = self._wanted(case)
        try:
            self.site.until(f"ticket {case.number}", lambda: self._stored(case) == wanted)
        except AssertionError as error:
            when = datetime.fromtimestamp(self.now, BERLIN)
            raise AssertionError(
                f"{when}: the books say {wanted}, the store {self._stored(case)}\n"
                f"{self._story(case)}\n{error}"
            ) from None

    def _story(self, case: Case) -> str:
        """All that the store knows of a ticket and of what was merged into it, for people."""
        chosen = f"SELECT {{}} FROM {{}} WHERE {{}} IN ({FAMILY})"
        asked = [chosen.format(*each) for each in STORY]
        rows = [row for sql in asked for row in self.site.rows(sql, n=case.number)]
        return "\n".join(str(row) for row in rows)

    def _stored(self, case: Case) -> tuple[object, ...]:
        (row,) = self.site.rows("SELECT id, state, owner FROM ticket WHERE number = :n", n=case.number)
        events = self.site.rows(
            "SELECT what, count(*) AS times FROM event WHERE ticket = :id GROUP BY what", id=row["id"]
        )
        (letters,) = self.site.rows(
            "SELECT count(*) AS n FROM message WHERE ticket = :id AND direction = 'in'", id=row["id"]
        )
        counts = Counter({each["what"]: each["times"] for each in events if each["what"] in KNOWN})
        return row["state"], row["owner"], letters["n"], counts

    # What time does

    def pass_time(self) -> None:
        """Everything that is due at this minute, in the order in which the reference says it is done."""
        self._depart()
        changed = [*self._absences(), *self._silence(), *self._wake(), *self._expire()]
        late = [case for case in self.cases if any(case.steps_due())]
        if changed or late:
            self.begin()
            self.settle(*{case.number: case for case in (*changed, *late)}.values())

    def _escalate(self, cases: Iterable[Case]) -> None:
        calls: list[tuple[str, Case]] = []
        for case in cases:
            case.escalate(self.now, lambda about, agent: calls.append((agent, about)))
        self._tell("escalation", calls)

    def _tell(self, what: str, calls: list[tuple[str, Case]]) -> None:
        """One notice for each call, or one for all of an agent's at a desk where there are many."""
        for agent in AGENTS:
            cases = [case for who, case in calls if who == agent]
            desks = {case.rules.name for case in cases}
            self.told[what] += len(cases) if len(cases) <= MOST_SINGLE else len(desks)

    def _absences(self) -> list[Case]:
        absent = {
            (agent, rules.name)
            for rules in DESKS.values()
            for agent in rules.agents
            if self.is_absent(agent, rules)
        }
        begun, self.away = absent - self.away, absent
        released = [c for c in self.cases if c.state == "claimed" and (c.owner, c.rules.name) in begun]
        for case in released:
            case.note(self.now, "owner_absent")
            case.enter(self.now, "new", "released", "")
        return released

    def _silence(self) -> list[Case]:
        changed = []
        for case in self.cases:
            rules, since = case.rules, case.silent_since
            if since is None or not rules.close_after:
                continue
            warns = since + (rules.close_after - rules.close_warning) * MINUTE
            if case.warned is None and self.now >= warns:
                is_told = any(kind == "none" for _, kind in case.letters)
                case.warned = self.now
                case.note(self.now, "warned" if is_told else "not_warned")
                self.told["closing"] += is_told
                changed.append(case)
            elif case.warned is not None and self.now >= case.warned + rules.close_warning * MINUTE:
                case.enter(self.now, "closed", "closed")
                changed.append(case)
        return changed

    def _wake(self) -> list[Case]:
        due = [c for c in self.cases if c.state == "snoozed" and c.wakes and c.wakes <= self.now]
        woken = []
        for case in due:
            if case.owner and self.is_absent(case.owner, case.rules):
                case.enter(self.now, "new", "woken", "")
                continue
            case.work_on(self.now, "woken")
            if case.owner:
                woken.append((case.owner, case))
        self._tell("awake", woken)
        return due

    def expired(self) -> list[Case]:
        """Claims whose owners have done nothing for too long."""
        held = [case for case in self.cases if case.state == "claimed" and case.rules.claim_expires]
        return [case for case in held if case.active < case.rules.expired_before(self.now)]

    def _expire(self) -> list[Case]:
        expired = self.expired()
        for case in expired:
            case.note(self.now, "claim_expired")
            case.enter(self.now, "new", "released", "")
        return expired

    def _depart(self) -> None:
        """What waited for its time leaves."""
        due = [each for each in self.leaving if each.at <= self.now]
        for each in due:
            self.leaving.remove(each)
            self.begin()
            left = self.site.left(each.case.customer, each.since, each.case.number)
            each.then(left)

    def count_minute(self) -> None:
        """The minute goes by: business time, where a desk is open."""
        is_open = {name: rules.hours.is_open(self.now) for name, rules in DESKS.items()}
        for case in self.cases:
            if case.phase == WORK and is_open[case.rules.name]:
                case.course.count(self.now)

    def until_absent(self, agent: str, days: int, begins: int = 0) -> tuple[date, date]:
        """Write down an absence that begins in so many days."""
        first = self.today() + timedelta(days=begins)
        self.absences.append((agent, first, first + timedelta(days=days - 1)))
        return self.absences[-1][1:]

    def absent_now(self) -> list[Case]:
        """What an absence that begins at once changes."""
        return self._absences()
