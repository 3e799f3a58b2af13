"""What `mailproc ticket` and `mailproc report` must say of the simulated desk, from its own books.

Written from docs/reference/targets.md, report.md and json.md; nothing of mailproc is called.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from bench.desk_books import Case
from bench.desk_clocks import WORK, Clock
from bench.desk_office import KNOWN, Office
from bench.desk_rules import BERLIN

View = dict[str, object]
Figures = dict[str, float | None]
KINDS = ("first", "next", "solution")
AGES = (1, 3, 7, 14, 28)
CLASSES = ("none", "auto_reply", "bounce", "delayed", "list", "bulk", "report", "spam")
COLLISIONS = (
    *("claims_lost", "second", "owned", "older", "repeated", "incomplete", "refused", "move_refused"),
)
MAIL = ("mails", "opened", "answers", "closed")


def rfc3339(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


# Tickets


def ticket_view(case: Case, now: int) -> View:
    """What is compared of ``ticket show``."""
    goal, shown = case.goal, sorted(case.shown, key=lambda clock: (clock.kind == "solution", clock.started))
    return {
        "state": case.state,
        "owner": case.owner or None,
        "tags": sorted(case.tags),
        "opened": rfc3339(case.opened),
        "due": due_view(case, now),
        "target": goal.name if goal else None,
        "clocks": [clock_view(case, clock, now) for clock in shown],
        "received": [kind for _, kind in case.letters],
        "events": sorted((rfc3339(at), what) for at, what in case.events if what in KNOWN),
    }


def due_view(case: Case, now: int) -> View | None:
    """Of the clock that is due first."""
    goal = case.goal
    if goal is None or case.phase != WORK:
        return None
    dues = [
        (at, clock.kind)
        for clock in case.clocks
        if clock.ended is None and (minutes := goal.minutes.get(clock.kind))
        if (at := case.due(clock, minutes, now)) is not None
    ]
    at, kind = min(dues, key=lambda due: due[0], default=(None, ""))
    return {"kind": kind, "at": rfc3339(at)} if at is not None else None


def clock_view(case: Case, clock: Clock, now: int) -> View:
    goal = case.goal
    assert goal is not None  # else it is not shown
    allowed = goal.minutes[clock.kind]
    due = case.due(clock, allowed, now)
    going_on = [(*clock.paused[:1], None, clock.paused[1])] if clock.paused else []
    is_over = due is not None and due < (now if clock.ended is None else clock.ended)
    return {
        "kind": clock.kind,
        "started": rfc3339(clock.started),
        "pauses": [
            {"from": rfc3339(begins), "to": rfc3339(ends), "why": why}
            for begins, ends, why in [*clock.pauses, *going_on]
        ],
        "ended": rfc3339(clock.ended),
        "end": clock.end or None,
        "minutes": float(len(clock.counted)),
        "target": float(allowed),
        "warn": rfc3339(case.due(clock, round(allowed * goal.warn), now)),
        "due": rfc3339(due),
        "met": False if is_over else True if clock.end == "answer" else None,
    }


# The report


Fact = tuple[Case, int]
Wait = tuple[Case, float, str]  # business seconds, and whose


class Expected:
    """Everything that the report of the whole simulation must say."""

    def __init__(self, office: Office, began: int) -> None:
        self.office, self.began, self.now = office, began, office.now
        self.facts: dict[str, list[Fact]] = defaultdict(list)
        self.waits: dict[str, list[Wait]] = {kind: [] for kind in KINDS}
        self.met: dict[tuple[str, bool], list[Case]] = defaultdict(list)
        self.backlog = [case for case in office.cases if case.state not in ("closed", "spam")]
        for case in office.cases:
            self._gather(case)
            if not case.whole:
                self._gather_waits(case)

    def _gather(self, case: Case) -> None:
        is_spam = case.state == "spam"
        if not is_spam and not (case.whole and case.state == "closed"):
            self.facts["opened"].append((case, case.opened))
        if not is_spam:
            self.facts["mails"] += [(case, at) for at, kind in case.letters if kind == "none"]
            self.facts["follow_ups"] += [(case, at) for at, kind in case.letters[1:] if kind == "none"]
        self.facts["answers"] += [(case, at) for at, _ in case.answers]
        self.facts["closed"] += [
            (case, at) for at, what in case.events if what == "closed" and at != case.closed_by_merge
        ]
        self.facts["reopened"] += [(case, at) for at in case.back]

    def _gather_waits(self, case: Case) -> None:
        goal = case.goal
        for clock in case.clocks:
            if clock.ended is None:
                continue
            if is_answered := clock.end == "answer":
                agent = case.owner if clock.kind == "solution" else clock.agent
                self.waits[clock.kind].append((case, len(clock.counted) * 60.0, agent))
            allowed = goal.minutes.get(clock.kind, 0) if goal else 0
            is_late = len(clock.counted) > allowed
            if allowed and (is_late or is_answered):
                self.met[clock.kind, not is_late].append(case)

    def rows(self) -> Figures:
        """By the names of figures; what is left out must be zero."""
        rows: Figures = {f"overview/{name}/count": len(self.facts[name])
                         for name in (*MAIL, "follow_ups", "reopened")}  # fmt: skip
        for kind in KINDS:
            rows |= self._times(kind)
        rows |= self._backlog()
        rows |= self._on_the_wall()
        groups: dict[str, Callable[[Case], str]] = {
            "desk": lambda case: case.rules.name,
            "topic": lambda case: case.topic or "none",
            "language": lambda _: "unknown",
            "domain": lambda case: case.customer.rpartition("@")[2],
        }
        for table, line_of in groups.items():
            rows |= self._grouped(table, line_of)
        rows |= self._agents()
        rows |= self._counted()
        return rows

    def _times(self, kind: str) -> Figures:
        used = [seconds for _, seconds, _ in self.waits[kind]]
        met, missed = len(self.met[kind, True]), len(self.met[kind, False])
        return {
            f"times/{kind}/count": len(used),
            f"times/{kind}/median": rank(used, 0.5),
            f"times/{kind}/p90": rank(used, 0.9),
            f"times/{kind}/met": met,
            f"times/{kind}/missed": missed,
            f"times/{kind}/share": share(met, missed),
        }

    def _backlog(self) -> Figures:
        rows: Figures = {}
        lines: dict[str, list[Case]] = {"all": self.backlog, "over": [c for c in self.backlog if _is_over(c)]}
        for line in (*(f"below_{days}d" for days in AGES), "older"):
            lines[line] = [case for case in self.backlog if self._age(case) == line]
        for line, cases in lines.items():
            counts = Counter("open" if case.state in ("new", "claimed") else case.state for case in cases)
            rows[f"backlog/{line}/count"] = len(cases)
            for state in ("open", "answered", "snoozed", "problem"):
                rows[f"backlog/{line}/{state}"] = counts[state]
        return rows

    def _age(self, case: Case) -> str:
        days = (self.now - case.opened) / 86400
        return next((f"below_{most}d" for most in AGES if days < most), "older")

    def _on_the_wall(self) -> Figures:
        first, last = (datetime.fromtimestamp(at, BERLIN).date() for at in (self.began, self.now - 1))
        dates = [f"{first + timedelta(days=number)}" for number in range((last - first).days + 1)]
        shown = {
            "day": (dates, "%Y-%m-%d"),
            "weekday": ([str(number) for number in range(1, 8)], "%u"),
            "hour": ([f"{hour:02}" for hour in range(24)], "%H"),
        }
        rows: Figures = {}
        for table, (lines, form) in shown.items():
            for column in MAIL:
                counts = Counter(
                    datetime.fromtimestamp(at, case.rules.hours.zone).strftime(form)
                    for case, at in self.facts[column]
                )
                rows |= {f"{table}/{line}/{column}": counts[line] for line in lines}
        return rows

    def _grouped(self, table: str, line_of: Callable[[Case], str]) -> Figures:
        rows: Figures = {}
        for line in {line_of(case) for case in self._seen()}:
            here = f"{table}/{line}/"
            for column in MAIL:
                rows[here + column] = sum(line_of(case) == line for case, _ in self.facts[column])
            rows[f"{here}backlog"] = sum(line_of(case) == line for case in self.backlog)
            for kind in KINDS:
                used = [seconds for case, seconds, _ in self.waits[kind] if line_of(case) == line]
                rows[f"{here}{kind}_median"], rows[f"{here}{kind}_p90"] = rank(used, 0.5), rank(used, 0.9)
                met, missed = (
                    sum(line_of(case) == line for case in self.met[kind, met]) for met in (True, False)
                )
                rows[f"{here}{kind}_met"] = share(met, missed)
        return rows

    def _seen(self) -> Iterator[Case]:
        """Those of which a group says anything."""
        for column in MAIL:
            yield from (case for case, _ in self.facts[column])
        yield from self.backlog
        for kind in KINDS:
            yield from (case for case, _, _ in self.waits[kind])
            yield from (*self.met[kind, True], *self.met[kind, False])

    def _agents(self) -> Figures:
        answers = Counter(agent for case in self.office.cases for _, agent in case.answers)
        closed = Counter(case.owner for case, _ in self.facts["closed"])
        others = {agent for agent, _ in self.office.by_agent}
        of_waits = {agent for kind in KINDS for _, _, agent in self.waits[kind]}
        rows: Figures = {}
        for agent in {*answers, *closed, *others, *of_waits} - {""}:
            here = f"agent/{agent}/"
            rows |= {f"{here}answers": answers[agent], f"{here}closed": closed[agent]}
            rows |= {f"{here}{what}": self.office.by_agent[agent, what] for what in ("claims_lost", "held")}
            for kind in KINDS:
                used = [seconds for _, seconds, whose in self.waits[kind] if whose == agent]
                rows[f"{here}{kind}_median"], rows[f"{here}{kind}_p90"] = rank(used, 0.5), rank(used, 0.9)
        return rows

    def _counted(self) -> Figures:
        classes = Counter(
            "spam" if case.state == "spam" else kind for case in self.office.cases for _, kind in case.letters
        )
        rows: Figures = {f"class/{name}/count": classes[name] for name in CLASSES}
        happened = self.office.happened
        for table, lines in (
            ("collisions", COLLISIONS),
            ("spam", ("caught", "wrong", "missed")),
            ("topic_corrected", [line for table, line in happened if table == "topic_corrected"]),
            ("bounce", ("hard", "soft", "delayed", "undeliverable")),
            ("acknowledgement", ("sent", *(line for table, line in happened if table == "acknowledgement"))),
        ):
            rows |= {f"{table}/{line}/count": happened[table, line] for line in lines}
        return rows


def _is_over(case: Case) -> bool:
    """Something of it that has not ended took longer than it may."""
    goal = case.goal
    return bool(goal and case.phase != "off") and any(
        clock.ended is None and 0 < goal.minutes.get(clock.kind, 0) < len(clock.counted)
        for clock in case.clocks
        if goal
    )


def rank(values: Iterable[float], part: float) -> float | None:
    """Nearest rank: the least value that this part of all do not exceed."""
    ranked = sorted(values)
    needed = part * len(ranked)
    return next((value for place, value in enumerate(ranked, 1) if place >= needed - 1e-9), None)


def share(met: int, missed: int) -> float | None:
    return met / (met + missed) if met + missed else None


def expected_due(cases: Sequence[Case], now: int) -> dict[str, View | None]:
    """What ``ticket list`` must say is due of each ticket."""
    return {case.number: due_view(case, now) for case in cases}
