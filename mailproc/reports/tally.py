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
from mailproc.reports.walk import MERGED, Walked, walk_family
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
_COUNTED = frozenset(HAPPENED)
_QUARTER = 900.0  # seconds; clocks on the wall change by no less
_MISTAKE = 1e-6  # seconds

Place = tuple[str, str]  # line, column
TargetOf = Callable[[Case], Target | None]


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
        ruler = self._rulers[self._calendars[case.desk]]
        walked = walk_family(case, ruler, end)
        is_new = start <= case.opened < end
        if is_new and case.state != SPAM and not case.is_merged:
            self.facts["opened"].append((place, case.opened))
        if is_new and walked.was_spam:
            self.happened["spam", "caught"].append(case.id)
        self._add_mails(case, place)
        self._add_events(case, place)
        for at, agent in walked.answers:
            if start <= at:
                self.facts["answers"].append((place, at))
                self.by_agent[agent, "answers"].append(case.id)
        if walked.back:
            self.facts["reopened"] += [(place, at) for at in walked.back if start <= at]
        target = self._target_of(case)
        self._add_waits(case, place, walked, target)
        self._add_backlog(case, place, walked, target)

    def _add_mails(self, case: Case, place: int) -> None:
        start, end, is_spam = self.period.start, self.period.end, case.state == SPAM
        mails, is_first = self.facts["mails"], True
        for _, at, direction, automatic, _, _ in case.messages:
            if direction != "in":
                continue
            if start <= at < end:
                self.happened["class", SPAM if is_spam else automatic].append(case.id)
                if automatic == "none" and not is_spam:
                    mails.append((place, at))
                    if not is_first:
                        self.facts["follow_ups"].append((place, at))
            is_first = False

    def _add_events(self, case: Case, place: int) -> None:
        start, end = self.period.start, self.period.end
        for _, at, what, who, detail, _ in case.events:
            if not start <= at < end:
                continue
            if what in _COUNTED:
                self._add_happened(case.id, what, who, detail)
            elif what == "closed" and not detail.startswith("merged into "):
                self.facts["closed"].append((place, at))
                if case.owner:
                    self.by_agent[case.owner, "closed"].append(case.id)

    def _add_waits(self, case: Case, place: int, walked: Walked, target: Target | None) -> None:
        for kind, ended, used, is_met, agent in walked.waits:
            if ended < self.period.start:
                continue
            if is_met:
                self.waits[kind].append((used, place, case.owner if kind is Kind.SOLUTION else agent))
            allowed = target.seconds(kind) if target else 0
            if allowed and used > allowed + _MISTAKE:
                self.judged[kind, False].append(place)
            elif allowed and is_met:  # closing in time without an answer is neither
                self.judged[kind, True].append(place)

    def _add_backlog(self, case: Case, place: int, walked: Walked, target: Target | None) -> None:
        if case.opened >= self.period.end or walked.state in ("closed", SPAM, MERGED):
            return
        self.backlog.append((place, walked.state))
        if target and any(0 < target.seconds(kind) < used - _MISTAKE for kind, used in walked.running):
            self.over.append(place)

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
            counts: Counter[tuple[str, int]] = Counter()
            desks, by_desk = self.lines["desk"], defaultdict[str, list[float]](list)
            for place, at in self.facts.get(column, ()):
                by_desk[desks[place]].append(at // _QUARTER)
            for desk, quarters in by_desk.items():
                for quarter, number in Counter(quarters).items():
                    counts[desk, int(quarter)] = number
            self._counted[column] = counts
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


def spread(places: Sequence[int], lines: Sequence[str]) -> Counter[str]:
    """How many cases are on each line."""
    return Counter(map(lines.__getitem__, places))
