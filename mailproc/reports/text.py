"""A report for a terminal, or for the text of a mail: tables with bars, at most ``WIDTH`` columns wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from mailproc.model.figures import Report, Table
from mailproc.reports.shown import heading, printable, shown

WIDTH = 100  # columns
MOST_LINES = 12  # of a table of groups
BAR = 24  # columns
_TITLE = 22  # of a line of a table with several columns, and of one with a single column:
_LONG_TITLE = 66
_PARTS = " ▏▎▍▌▋▊▉█"
_LEFT_OUT = ("next_median", "next_p90", "next_met", "solution_met", "first_met")  # there is no room for them
_SHORT = {
    "first median": "first",
    "first 90 %": "90 %",
    "solution median": "solution",
    "solution 90 %": "90 %",
}
_GROUPS = ("desk", "topic", "language", "domain", "agent")
_WITH_BARS = ("day", "month", "weekday", "hour")


def report_text(report: Report) -> str:
    """The whole report; tables without anything in them are left out."""
    title, below = heading(report)
    lines = [title, "═" * len(title), below]
    for table in report.tables:
        if _says_something(table):
            lines += ["", "", table.title, "─" * len(table.title), *_table(table)]
    return "\n".join(lines) + "\n"


def _says_something(table: Table) -> bool:
    return table.name in ("overview", "times") or any(value for line in table.lines for value in line.values)


def _table(table: Table) -> Iterator[str]:
    if len(table.columns) == 1:
        yield from _counts(table)
        return
    columns = [place for place, column in enumerate(table.columns) if column.name not in _LEFT_OUT]
    names = [_cut(line.title, _TITLE) for line in table.lines]
    heads = [_SHORT.get(table.columns[place].title, table.columns[place].title) for place in columns]
    cells = [[shown(table.columns[place], line.values[place]) for place in columns] for line in table.lines]
    lines = list(zip(names, cells, table.lines, strict=True))
    more = len(lines) - MOST_LINES if table.name in _GROUPS else 0
    if more > 0:
        del lines[MOST_LINES:]
    widths = [max(map(len, column)) for column in zip(heads, *(cells for _, cells, _ in lines), strict=True)]
    first = max((_width(name) for name, _, _ in lines), default=0)
    highest = max((line.values[0] or 0 for line in table.lines), default=0)
    yield _joined(" " * first, heads, widths)
    for name, texts, line in lines:
        bar = f"  {_bar(line.values[0], highest)}" if table.name in _WITH_BARS else ""
        yield (_joined(_padded(name, first), texts, widths) + bar).rstrip()
    if more > 0:
        yield f"… and {more} more"


def _counts(table: Table) -> Iterator[str]:
    """One figure to a line, with a bar."""
    rows = [(_cut(line.title, _LONG_TITLE), line.values[0]) for line in table.lines]
    texts = [shown(table.columns[0], value) for _, value in rows]
    widest, longest = max(map(len, texts)), max(_width(name) for name, _ in rows)
    highest = max((value or 0 for _, value in rows), default=0)
    for (name, value), text in zip(rows, texts, strict=True):
        yield f"{_padded(name, longest)}  {text:>{widest}}  {_bar(value, highest)}".rstrip()


def _joined(name: str, texts: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join([name, *(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))])


def _bar(value: float | None, highest: float) -> str:
    eighths = round((value or 0) / highest * BAR * 8) if highest else 0
    whole, rest = divmod(eighths, 8)
    return "█" * whole + _PARTS[rest].strip()


def _cut(text: str, most: int) -> str:
    text = printable(text)
    if _width(text) <= most:
        return text
    while _width(text) > most - 1:
        text = text[:-1]
    return text + "…"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns in a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
