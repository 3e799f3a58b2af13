"""A report for programs: one figure to a line, as JSON Lines or as CSV (RFC 4180).

In CSV a text that a spreadsheet would take for a formula gets a ``'`` before it: topics, domains and subjects
come from outside.  Numbers are written as they are, and no figure is ever negative.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping

from mailproc.desk.view import View, rfc3339
from mailproc.model.figures import Figure, Named, Report, figures

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what begins one, in full width too
DIGITS = 6  # of what is no whole number
COLUMNS = ("desks", "from", "to", "figure", "table", "line", "column", "unit", "value", "tickets")


def report_rows(report: Report) -> Iterator[View]:
    """Each figure as an object; ``tickets`` is how many are behind it."""
    for figure in figures(report):
        yield {
            "desks": list(report.desks),
            "from": rfc3339(report.period.start),
            "to": rfc3339(report.period.end),
            "figure": figure.name,
            "table": figure.table.name,
            "line": figure.line.name,
            "column": figure.column.name,
            "unit": figure.column.unit.value,
            "value": _number(figure),
            "tickets": len(report.behind(figure.table.name, figure.line.name, figure.column.name)),
        }


def ticket_rows(name: str, tickets: Iterable[int], names: Mapping[int, Named]) -> Iterator[View]:
    """The tickets behind a figure."""
    for ticket in tickets:
        if ticket in names:
            yield {"figure": name, "ticket": names[ticket].number, "subject": names[ticket].subject}


def as_csv(rows: Iterable[Mapping[str, object]], columns: Iterable[str]) -> str:
    """Rows with a heading, CRLF at the end of each."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    names = list(columns)
    writer.writerow(names)
    writer.writerows([_cell(row[name]) for name in names] for row in rows)
    return out.getvalue()


def _number(figure: Figure) -> float | None:
    value = figure.value
    if value is None or value == int(value):
        return None if value is None else int(value)
    return round(value, DIGITS)


def _cell(value: object) -> object:
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text
