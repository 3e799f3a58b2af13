"""A report: tables of figures, each with the tickets that are behind it.

A count is how many tickets (or things that happened to them) were found, so that a figure and its list of
tickets cannot differ.  A quantile is the smallest value that so many of all values do not exceed (nearest
rank): it is always one that was really measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum


class Unit(StrEnum):
    """What the numbers of a column are."""

    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"  # 0 to 1


@dataclass(frozen=True, slots=True)
class Column:
    """``name`` is for programs, ``title`` for people."""

    name: str
    title: str
    unit: Unit = Unit.COUNT


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table: ``name`` is for programs, ``title`` for people; None where nothing was measured."""

    name: str
    title: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """From the first moment up to, but not including, the second; ``zone`` is whose days it is made of."""

    start: float
    end: float
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Named:
    """A ticket as a report names it."""

    number: str
    subject: str


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of some desks in a period.  ``made`` is when, in seconds since 1970 in UTC.

    ``behind`` tells the tickets of a table's line and column, the most telling first, each once.
    """

    desks: tuple[str, ...]
    period: Period
    made: float
    tables: tuple[Table, ...]
    behind: Callable[[str, str, str], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its place."""

    table: Table
    line: Line
    column: Column
    value: float | None

    @property
    def name(self) -> str:
        """``table/line/column``."""
        return f"{self.table.name}/{self.line.name}/{self.column.name}"


def figures(report: Report) -> Iterator[Figure]:
    """Every figure of a report, in its order."""
    for table in report.tables:
        for line in table.lines:
            for column, value in zip(table.columns, line.values, strict=True):
                yield Figure(table, line, column, value)


def tickets_behind(report: Report, name: str) -> list[int] | None:
    """The tickets of ``table``, ``table/line`` or ``table/line/column``; None where nothing is called so."""
    found: dict[int, None] | None = None
    for figure in figures(report):
        if name in (figure.table.name, f"{figure.table.name}/{figure.line.name}", figure.name):
            found = found or {}
            found |= dict.fromkeys(report.behind(figure.table.name, figure.line.name, figure.column.name))
    return None if found is None else list(found)


def quantile(ranked: Sequence[float], share: float) -> float | None:
    """The value at a share (nearest rank) of values that are in order; None where there is none."""
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else None


def share_of(part: int, rest: int) -> float | None:
    """How much of both is ``part``."""
    return part / (part + rest) if part + rest else None
