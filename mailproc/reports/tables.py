"""The tables of a report, from what was counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo

from mailproc.model.figures import Column, Line, Period, Table, Unit, quantile, share_of
from mailproc.model.hours import WEEKDAYS
from mailproc.model.target import KIND_TITLES, Kind
from mailproc.reports.reasons import HELD_FOR, INCOMPLETE, REFUSALS
from mailproc.reports.tally import AGES, BACKLOG, COLUMNS, GROUPS, Tally, Waits
from mailproc.reports.wall import WALLS

MEDIAN, MOST = 0.5, 0.9
MAX_DAYS = 62  # in a period of more, months are shown
_COUNT = (Column("count", "count"),)
_MAIL = (
    Column("mails", "mails"),
    Column("opened", "opened"),
    Column("answers", "answers"),
    Column("closed", "closed"),
)
_TIMES = tuple(
    Column(f"{kind}_{name}", f"{kind} {title}", Unit.SECONDS)
    for kind in ("first", "next", "solution")
    for name, title in (("median", "median"), ("p90", "90 %"))
)
_MET = tuple(Column(f"{kind}_met", f"{kind} in time", Unit.SHARE) for kind in ("first", "next", "solution"))
_GROUP = (*_MAIL, Column("backlog", "backlog"), *_TIMES, *_MET)
_AGENT = (
    Column("answers", "answers"),
    Column("closed", "closed"),
    Column("claims_lost", "claims lost"),
    Column("held", "held"),
    *_TIMES,
)
_WAITS = (
    Column("count", "count"),
    Column("median", "median", Unit.SECONDS),
    Column("p90", "90 %", Unit.SECONDS),
    Column("met", "in time"),
    Column("missed", "too late"),
    Column("share", "share in time", Unit.SHARE),
)
_PHASES = ("open", "answered", "snoozed", "problem")
_BACKLOG = (Column("count", "all"), *(Column(phase, phase) for phase in _PHASES))
_BACKLOG_AGES = (*(f"below_{days}d" for days in AGES), "older")
_BACKLOG_LINES = {
    "all": "not closed at the end",
    **{f"below_{days}d": f"younger than {days} d" for days in AGES},
    "older": f"{AGES[-1]} d and older",
}
_OVERVIEW = {
    "mails": "mails of customers",
    "opened": "tickets opened",
    "follow_ups": "further mails of a ticket",
    "answers": "answers",
    "closed": "closed",
    "reopened": "came back after closing",
}
_CLASSES = {
    "none": "written by people",
    "auto_reply": "automatic replies",
    "bounce": "bounces",
    "delayed": "delay notices",
    "list": "mailing lists",
    "bulk": "bulk mail",
    "report": "reports of machines",
    "spam": "spam",
}
_WRITTEN = "class/none"
_OF_TIMES = ("count", "median", "p90")
_COLLISIONS = {
    "claims_lost": "claims lost to another agent",
    **HELD_FOR,
    INCOMPLETE: "unfinished answers held",
    "refused": "answers refused",
    "move_refused": "moves in the folder refused",
}
_SPAM = {
    "caught": "caught by the filter",
    "wrong": "corrected: it was none",
    "missed": "corrected: it was spam",
}
_BOUNCES = {
    "hard": "answers bounced: the address is no good",
    "soft": "answers bounced for another reason",
    "delayed": "answers delayed on their way",
    "undeliverable": "refused by our own relay",
}
_GROUPS = {"desk": "Desks", "topic": "Topics", "language": "Languages", "domain": "Customers' domains"}


class Tables:
    """Makes the tables of a report, and finds the tickets behind each of their figures."""

    def __init__(self, tally: Tally, *, by_month: bool) -> None:
        self._tally = tally
        self._by_month = by_month
        self._happened = tally.happened.counts()
        self._happened[_WRITTEN] = len(tally.facts["mails"].places)
        self._indexes: dict[tuple[str, str], dict[str, list[int]]] = {}

    def make(self) -> tuple[Table, ...]:
        """All tables, in their order."""
        weekdays = {str(number): name.title() for number, name in enumerate(WEEKDAYS, 1)}
        return (
            self._overview(),
            self._waits(),
            self._backlog(),
            self._timed("month" if self._by_month else "day", "Over time", self._labels()),
            self._timed("weekday", "Weekdays", weekdays),
            self._timed("hour", "Hours", {f"{hour:02}": f"{hour:02}:00" for hour in range(24)}),
            *(self._grouped(name, title) for name, title in _GROUPS.items()),
            self._agents(),
            self._counted("class", "Mail by class", _CLASSES),
            self._counted("collisions", "Collisions prevented", _COLLISIONS),
            self._counted("spam", "Spam", _SPAM),
            self._counted("topic_corrected", "Topics corrected", self._seen("topic_corrected")),
            self._counted("acknowledgement", "Acknowledgements", self._acknowledgements()),
            self._counted("bounce", "Bounces", _BOUNCES),
        )

    def behind(self, table: str, line: str, column: str) -> tuple[int, ...]:
        """The tickets of a figure, each once: in their order, but of times the slowest first."""
        key = (table, column)
        if key not in self._indexes:
            self._indexes[key] = self._index(table, column)
        places = self._indexes[key].get(line, ())
        tickets = map(self._tally.tickets.__getitem__, places)
        return tuple(dict.fromkeys(tickets if is_time(table, column) else sorted(tickets)))

    # Tables

    def _overview(self) -> Table:
        facts = self._tally.facts
        lines = (Line(name, title, (len(facts[name].places),)) for name, title in _OVERVIEW.items())
        return Table("overview", "Overview", _COUNT, tuple(lines))

    def _waits(self) -> Table:
        lines = (Line(kind, title, self._wait_values(kind)) for kind, title in KIND_TITLES.items())
        return Table("times", "Times, in business hours", _WAITS, tuple(lines))

    def _wait_values(self, kind: Kind) -> tuple[float | None, ...]:
        ranked = sorted(self._tally.waits[kind].used)
        met, missed = (len(self._tally.judged[kind, in_time]) for in_time in (True, False))
        return (
            len(ranked),
            quantile(ranked, MEDIAN),
            quantile(ranked, MOST),
            met,
            missed,
            share_of(met, missed),
        )

    def _backlog(self) -> Table:
        tally = self._tally
        counts = Counter((tally.age(left), _phase(left.state)) for left in tally.backlog)
        lines = []
        for name, title in _BACKLOG_LINES.items():
            ages = _BACKLOG_AGES if name == "all" else (name,)
            values = [sum(counts[age, phase] for age in ages) for phase in _PHASES]
            lines.append(Line(name, title, (sum(values), *values)))
        late = set(tally.over)
        over = Counter(_phase(left.state) for left in tally.backlog if left.place in late)
        lines.append(Line("over", "over their target", (over.total(), *(over[phase] for phase in _PHASES))))
        return Table("backlog", "Backlog", _BACKLOG, tuple(lines))

    def _timed(self, name: str, title: str, lines: Mapping[str, str]) -> Table:
        counts = [self._tally.by_wall(column.name, name) for column in _MAIL]
        return Table(
            name,
            title,
            _MAIL,
            tuple(Line(line, shown, tuple(count[line] for count in counts)) for line, shown in lines.items()),
        )

    def _grouped(self, name: str, title: str) -> Table:
        """Who had most to do first."""
        spread, _, names = self._tally.spread(name)
        counts = [spread.counts(column, names) for column in (*COLUMNS, BACKLOG)]
        times = [spread.times(kind, names) for kind in Kind]
        judged = [[spread.judged(kind, in_time, names) for in_time in (True, False)] for kind in Kind]
        seen = set().union(*counts, *times, *(count for pair in judged for count in pair))
        made = (
            Line(
                line,
                line,
                (
                    *(count.get(line, 0) for count in counts),
                    *_quantiles(times, line),
                    *(share_of(met.get(line, 0), missed.get(line, 0)) for met, missed in judged),
                ),
            )
            for line in seen
        )
        return Table(name, title, _GROUP, _busiest_first(made))

    def _agents(self) -> Table:
        counts = [column.name for column in _AGENT if column.unit is Unit.COUNT]
        times = [_of_agents(self._tally.waits[kind]) for kind in Kind]
        counted = [self._tally.by_agent[column].counts() for column in counts]
        seen = set().union(*counted, *times)
        made = (
            Line(
                agent,
                agent,
                (*(count[agent] for count in counted), *_quantiles(times, agent)),
            )
            for agent in seen
        )
        return Table("agent", "Agents", _AGENT, _busiest_first(made))

    def _counted(self, name: str, title: str, lines: Mapping[str, str]) -> Table:
        made = (Line(line, shown, (self._happened[f"{name}/{line}"],)) for line, shown in lines.items())
        return Table(name, title, _COUNT, tuple(made))

    def _seen(self, table: str) -> dict[str, str]:
        return {line: line for line in sorted(_lines_of(table, self._happened))}

    def _acknowledgements(self) -> dict[str, str]:
        """What was sent, and all reasons that there were."""
        seen = self._seen("acknowledgement")
        return {"sent": "sent", **{name: f"not: {title}" for name, title in REFUSALS.items() if name in seen}}

    def _labels(self) -> dict[str, str]:
        return _labels(self._tally.period, by_month=self._by_month)

    # The tickets behind them

    def _index(self, table: str, column: str) -> dict[str, list[int]]:
        """By line: places."""
        tally = self._tally
        if table == "overview":
            return {name: tally.facts[name].places for name in _OVERVIEW}
        if table == "times":
            return {kind.value: self._of_wait(kind, column) for kind in Kind}
        if table == "backlog":
            return self._of_backlog(column)
        if table in WALLS:
            fact = tally.facts[column]
            pairs = zip(fact.places, fact.moments, strict=True)
            return _by_line((tally.line_of(table, place, at), place) for place, at in pairs)
        if table in GROUPS:
            lines = tally.lines(table)
            return _by_line((lines[place], place) for place in self._places(column))
        if table == "agent":
            return self._of_agent(column)
        happened = tally.happened.places() | {_WRITTEN: tally.facts["mails"].places}
        return {line: happened[f"{table}/{line}"] for line in _lines_of(table, happened)}

    def _places(self, column: str) -> list[int]:
        """Those that a column of a group is about."""
        kind, _, what = column.partition("_")
        if column == BACKLOG:
            return [left.place for left in self._tally.backlog]
        if what == "met":
            return self._tally.judged[Kind(kind), False]
        if what:
            return [place for _, place, _ in self._slowest(Kind(kind))]
        return self._tally.facts[column].places

    def _of_wait(self, kind: Kind, column: str) -> list[int]:
        if column in _OF_TIMES:
            return [place for _, place, _ in self._slowest(kind)]
        return self._tally.judged[kind, column == "met"]

    def _slowest(self, kind: Kind) -> list[tuple[float, int, str]]:
        """First; of two that took as long the newer ticket."""
        waits, tickets = self._tally.waits[kind], self._tally.tickets
        rows = zip(waits.used, waits.places, waits.agents, strict=True)
        return sorted(rows, key=lambda row: (row[0], tickets[row[1]]), reverse=True)

    def _of_backlog(self, column: str) -> dict[str, list[int]]:
        tally, over = self._tally, set(self._tally.over)
        found: dict[str, list[int]] = {}
        for left in tally.backlog:
            if column in ("count", _phase(left.state)):
                for line in ("all", tally.age(left), *(("over",) if left.place in over else ())):
                    found.setdefault(line, []).append(left.place)
        return found

    def _of_agent(self, column: str) -> dict[str, list[int]]:
        kind, _, what = column.partition("_")
        if what not in ("median", "p90"):
            return self._tally.by_agent[column].places()
        return _by_line((agent, place) for _, place, agent in self._slowest(Kind(kind)))


def is_time(table: str, column: str) -> bool:
    """Whether a column has times, whose tickets are told the slowest first."""
    return column.endswith(("_median", "_p90")) or (table == "times" and column in _OF_TIMES)


def _by_line(lines: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for line, place in lines:
        found.setdefault(line, []).append(place)
    return found


def _phase(state: str) -> str:
    return "open" if state in ("new", "claimed") else state


def _lines_of(table: str, happened: Iterable[str]) -> Iterator[str]:
    for where, _, line in (name.partition("/") for name in happened):
        if where == table:
            yield line


def _of_agents(waits: Waits) -> dict[str, list[float]]:
    """The shortest first."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for agent, used in zip(waits.agents, waits.used, strict=True):
        if agent:
            found[agent].append(used)
    return {agent: sorted(used) for agent, used in found.items()}


def _quantiles(times: Sequence[Mapping[str, Sequence[float]]], line: str) -> Iterator[float | None]:
    for ranked in times:
        yield quantile(ranked.get(line, ()), MEDIAN)
        yield quantile(ranked.get(line, ()), MOST)


def _busiest_first(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: (-(line.values[0] or 0), line.name)))


def is_long(period: Period) -> bool:
    """Whether it is shown by the month."""
    return period.end - period.start > MAX_DAYS * 86400


def _labels(period: Period, *, by_month: bool) -> dict[str, str]:
    """The days of a period, or its months where they are many; also those on which nothing happened."""
    first, last = (_date(moment, period.zone) for moment in (period.start, period.end - 1))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    if by_month:
        return {f"{day:%Y-%m}": f"{day:%b %Y}" for day in days}
    return {f"{day}": f"{day:%a %d %b}" for day in days}


def _date(moment: float, zone: tzinfo) -> date:
    return datetime.fromtimestamp(moment, zone).date()
