"""Counts cases one after the other, and keeps for each figure the tickets that are behind it.

A mail counts when it was accepted, an answer when it left us, a wait when it ended, everything else when it
was written down.  Waits are in business time of the ticket's desk.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cached_property

from mailproc.model.calendar import Calendar
from mailproc.model.figures import Period
from mailproc.model.target import Kind, Target
from mailproc.reports.reasons import HELD_FOR, held_for, refusal
from mailproc.reports.ruler import Ruler
from mailproc.reports.walk import MERGED, Wait, Walked, walk
from mailproc.store.figures import Case

DAY = 86400.0
AGES = (1, 3, 7, 14, 28)  # days: the backlog's ages end below these
NO_TOPIC, NO_LANGUAGE, NO_DOMAIN = "none", "unknown", "none"
SPAM = "spam"
GROUPS = ("desk", "topic", "language", "domain")
WALLS = ("day", "month", "weekday", "hour")
_PLACES = {
    "claim_lost": ("collisions", "claims_lost"),
    "refused": ("collisions", "refused"),
    "move_refused": ("collisions", "move_refused"),
    "marked_spam": ("spam", "missed"),
    "unmarked_spam": ("spam", "wrong"),
    "delayed": ("bounce", "delayed"),
    "undeliverable": ("bounce", "undeliverable"),
}
HAPPENED = (*_PLACES, "acknowledged", "not_acknowledged", "held", "topic_corrected", "bounced")
_QUARTER = 900.0  # seconds; clocks on the wall change by no less
_MISTAKE = 1e-6  # seconds

Place = tuple[str, str]  # line, column
TargetOf = Callable[[Case], Target | None]
Happened = tuple[int, str, str, str]  # ticket, what, who, detail


class Tally:
    """Facts about cases, by their place in ``cases``, in the order of their tickets."""

    def __init__(self, period: Period, calendars: Mapping[str, Calendar], target_of: TargetOf) -> None:
        """``calendars`` are those of the desks, which every case must be of."""
        self.period = period
        self.cases: list[Case] = []
        self.facts: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)  # by column: case, when
        self.waits: dict[Kind, list[tuple[float, int, str]]] = {
            kind: [] for kind in Kind
        }  # used, case, agent
        self.judged: dict[tuple[Kind, bool], list[int]] = defaultdict(list)  # whether in time: cases
        self.backlog: list[tuple[int, str]] = []  # case, state
        self.over: list[int] = []  # of those
        self.by_agent: defaultdict[Place, list[int]] = defaultdict(list)  # tickets
        self.happened: defaultdict[tuple[str, str], list[int]] = defaultdict(
            list
        )  # by table and line: tickets
        self._calendars = calendars
        self._target_of = target_of
        self._walls = {desk: Wall(calendar.zone) for desk, calendar in calendars.items()}
        self._counted: dict[str, Counter[tuple[str, int]]] = {}
        self._rulers = {
            calendar: Ruler(calendar, period.start, period.end) for calendar in set(calendars.values())
        }

    def add(self, case: Case) -> None:
        """Count one case."""
        place, (start, end) = len(self.cases), (self.period.start, self.period.end)
        self.cases.append(case)
        walked = walk(case, self._rulers[self._calendars[case.desk]], end)
        if case.state != SPAM and not case.is_merged and start <= case.opened < end:
            self.facts["opened"].append((place, case.opened))
        if walked.was_spam and start <= case.opened < end:
            self.happened["spam", "caught"].append(case.id)
        self._add_mails(case, place)
        for at, agent in walked.answers:
            if start <= at:
                self.facts["answers"].append((place, at))
                self.by_agent[agent, "answers"].append(case.id)
        self.facts["reopened"] += [(place, at) for at in walked.back if start <= at]
        self._add_closings(case, place)
        target = self._target_of(case)
        self._add_waits(case, place, walked, target)
        self._add_backlog(case, place, walked, target)

    def _add_mails(self, case: Case, place: int) -> None:
        start, end, is_spam, is_first = self.period.start, self.period.end, case.state == SPAM, True
        for _, at, direction, automatic, _, _ in case.messages:
            if direction != "in":
                continue
            if start <= at < end:
                self.happened["class", SPAM if is_spam else automatic].append(case.id)
                if automatic == "none" and not is_spam:
                    self.facts["mails"].append((place, at))
                    if not is_first:
                        self.facts["follow_ups"].append((place, at))
            is_first = False

    def _add_closings(self, case: Case, place: int) -> None:
        for _, at, what, _, detail, _ in case.events:
            is_closing = what == "closed" and not detail.startswith("merged into ")
            if is_closing and self.period.start <= at < self.period.end:
                self.facts["closed"].append((place, at))
                if case.owner:
                    self.by_agent[case.owner, "closed"].append(case.id)

    def _add_waits(self, case: Case, place: int, walked: Walked, target: Target | None) -> None:
        for wait in walked.waits:
            if wait.ended < self.period.start:
                continue
            if wait.is_met:
                agent = case.owner if wait.kind is Kind.SOLUTION else wait.agent
                self.waits[wait.kind].append((wait.used, place, agent))
            if target and (in_time := _in_time(wait, target)) is not None:
                self.judged[wait.kind, in_time].append(place)

    def _add_backlog(self, case: Case, place: int, walked: Walked, target: Target | None) -> None:
        if case.opened >= self.period.end or walked.state in ("closed", SPAM, MERGED):
            return
        self.backlog.append((place, walked.state))
        if target and any(0 < target.seconds(kind) < used - _MISTAKE for kind, used in walked.running):
            self.over.append(place)

    def add_happened(self, happened: Iterable[Happened]) -> None:
        """Count single events of the period."""
        for ticket, what, who, detail in happened:
            self._add_happened(ticket, what, who, detail)

    def _add_happened(self, ticket: int, what: str, who: str, detail: str) -> None:
        place = _place(what, detail)
        self.happened[place].append(ticket)
        if what == "claim_lost":
            self.by_agent[who, "claims_lost"].append(ticket)
        elif place[1] in HELD_FOR:
            self.by_agent[who, "held"].append(ticket)

    # Groups of cases

    @cached_property
    def lines(self) -> dict[str, list[str]]:
        """For each table of groups, the line of each case."""
        return {
            "desk": [case.desk for case in self.cases],
            "topic": [case.topic or NO_TOPIC for case in self.cases],
            "language": [case.language or NO_LANGUAGE for case in self.cases],
            "domain": [case.customer.rpartition("@")[2] or NO_DOMAIN for case in self.cases],
        }

    def age(self, place: int) -> str:
        """The line of the backlog that a case is in."""
        days = (self.period.end - self.cases[place].opened) / DAY
        return next((f"below_{most}d" for most in AGES if days < most), "older")

    def ids(self, places: Iterable[int]) -> list[int]:
        """The tickets of cases."""
        return [self.cases[place].id for place in places]

    def by_wall(self, column: str, wall: str) -> Counter[str]:
        """How often something happened on each day, month, weekday or hour of its desk's clock."""
        counts: Counter[str] = Counter()
        for (desk, quarter), number in self._quarters(column).items():
            counts[self._walls[desk].line(wall, quarter)] += number
        return counts

    def line_of(self, wall: str, place: int, at: float) -> str:
        """The day, month, weekday or hour of one moment."""
        return self._walls[self.cases[place].desk].line(wall, int(at // _QUARTER))

    def _quarters(self, column: str) -> Counter[tuple[str, int]]:
        """How often in each quarter of an hour, by desk."""
        if column not in self._counted:
            desks, facts = self.lines["desk"], self.facts.get(column, ())
            self._counted[column] = Counter((desks[place], int(at // _QUARTER)) for place, at in facts)
        return self._counted[column]


def _place(what: str, detail: str) -> tuple[str, str]:
    """The table and line of an event."""
    match what:
        case "acknowledged":
            return "acknowledgement", "sent"
        case "not_acknowledged":
            return "acknowledgement", refusal(detail)
        case "held":
            return "collisions", held_for(detail)
        case "topic_corrected":
            return what, detail
        case "bounced":
            return "bounce", "soft" if "(soft)" in detail else "hard"
    return _PLACES[what]


class Wall:
    """Days, months, weekdays and hours on a clock of a zone, worked out once for each quarter of an hour."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._known: dict[int, dict[str, str]] = {}

    def line(self, wall: str, quarter: int) -> str:
        found = self._known.get(quarter)
        if found is None:
            moment = datetime.fromtimestamp(quarter * _QUARTER, self._zone)
            day = moment.date().isoformat()
            found = {
                "day": day,
                "month": day[:7],
                "weekday": str(moment.isoweekday()),
                "hour": f"{moment.hour:02}",
            }
            self._known[quarter] = found
        return found[wall]


def _in_time(wait: Wait, target: Target) -> bool | None:
    """None where the target has nothing for it, and where a ticket was closed in time without an answer."""
    allowed = target.seconds(wait.kind)
    if not allowed:
        return None
    if wait.used > allowed + _MISTAKE:
        return False
    return True if wait.is_met else None


def spread(places: Sequence[int], lines: Sequence[str]) -> Counter[str]:
    """How many cases are on each line."""
    return Counter(map(lines.__getitem__, places))
