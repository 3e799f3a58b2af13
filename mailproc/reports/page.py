"""A report as one HTML file: no script, and nothing that is fetched.

Everything that comes from outside is escaped by the template; a policy in the file (CSP) forbids what would
be left.  Each figure leads to the tickets behind it, as far as there is room for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from mailproc.model.figures import Figure, Line, Named, Report, Table, figures
from mailproc.reports.chart import Chart, make_chart
from mailproc.reports.shown import heading, printable, shown

MOST_LINES = 25  # of a table
MOST_TICKETS = 20  # of a list
MOST_LISTED = 2000  # tickets in the whole file
_LISTED = (
    "overview",
    "times",
    "backlog",
    "agent",
    "collisions",
    "spam",
    "topic_corrected",
    "bounce",
    "class",
)
_CHARTED = ("day", "month", "weekday", "hour")
_TILES = (
    *("overview/mails/count", "overview/opened/count", "overview/answers/count", "overview/closed/count"),
    *("times/first/median", "times/solution/median", "times/first/share", "backlog/all/count"),
)
_TEMPLATES = Path(__file__).parent / "templates"

Listed = dict[str, tuple[int, ...]]  # by the name of a figure


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class _Line:
    title: str
    cells: tuple[_Cell, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    anchor: str
    title: str
    columns: tuple[str, ...]
    lines: tuple[_Line, ...]
    more: int
    chart: Chart | None


@dataclass(frozen=True, slots=True)
class _List:
    """Tickets behind a figure; ``count`` is how many there are."""

    name: str
    anchor: str
    title: str
    tickets: tuple[Named, ...]
    count: int
    more: int


def listed_tickets(report: Report) -> Listed:
    """The tickets that a page shows of each figure, by its name."""
    lists: Listed = {}
    room = MOST_LISTED
    for figure in figures(report):
        if room <= 0 or figure.table.name not in _LISTED or not figure.value or not _is_shown(figure):
            continue
        tickets = report.behind(figure.table.name, figure.line.name, figure.column.name)[:MOST_TICKETS]
        if tickets:
            lists[figure.name] = tickets
            room -= len(tickets)
    return lists


def report_page(report: Report, listed: Listed, names: Mapping[int, Named]) -> str:
    """The file; ``listed`` is what ``listed_tickets`` told, and ``names`` are theirs."""
    title, below = heading(report)
    anchors = {name: f"f{number}" for number, name in enumerate(listed)}
    return _template().render(
        title=title,
        below=below,
        tiles=[{"title": text, "value": value} for text, value in _tiles(report)],
        tables=[_table(table, anchors) for table in report.tables if table.lines],
        lists=[
            _list(figure, report, listed, anchors, names)
            for figure in figures(report)
            if figure.name in listed
        ],
    )


def rows_of(listed: Listed) -> set[int]:
    """All tickets that are listed."""
    return {row for rows in listed.values() for row in rows}


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_clean,
    )
    return environment.get_template("report.html")


def _clean(value: object) -> object:
    return printable(value) if type(value) is str else value


def _is_shown(figure: Figure) -> bool:
    """One list for each line; the lines of a table beyond the first are not there."""
    lines = figure.table.lines[:MOST_LINES]
    return (
        figure.line in lines
        and figure.column.name not in ("p90", "share")
        and "p90" not in figure.column.name
    )


def _tiles(report: Report) -> Iterable[tuple[str, str]]:
    found = {figure.name: figure for figure in figures(report)}
    for name in _TILES:
        figure = found[name]
        words = "" if figure.column.name == "count" else f", {figure.column.title}"
        yield f"{figure.line.title}{words}", shown(figure.column, figure.value)


def _table(table: Table, anchors: Mapping[str, str]) -> _Table:
    return _Table(
        f"t-{table.name}",
        table.title,
        tuple(column.title for column in table.columns),
        tuple(_line(table, line, anchors) for line in table.lines[:MOST_LINES] if table.name not in _CHARTED)
        or tuple(_line(table, line, anchors) for line in table.lines),
        max(0, len(table.lines) - MOST_LINES) if table.name not in _CHARTED else 0,
        make_chart(table) if table.name in _CHARTED else None,
    )


def _line(table: Table, line: Line, anchors: Mapping[str, str]) -> _Line:
    cells = zip(table.columns, line.values, strict=True)
    return _Line(
        line.title,
        tuple(
            _Cell(shown(column, value), anchors.get(f"{table.name}/{line.name}/{column.name}", ""))
            for column, value in cells
        ),
    )


def _list(
    figure: Figure,
    report: Report,
    listed: Listed,
    anchors: Mapping[str, str],
    names: Mapping[int, Named],
) -> _List:
    rows = listed[figure.name]
    count = len(report.behind(figure.table.name, figure.line.name, figure.column.name))
    return _List(
        figure.name,
        anchors[figure.name],
        f"{figure.table.title}: {figure.line.title}, {figure.column.title}",
        tuple(names[row] for row in rows if row in names),
        count,
        count - len(rows),
    )
