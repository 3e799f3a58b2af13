"""Charts of bars, worked out for the template that draws them: two series side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.model.figures import Table

WIDTH, HEIGHT = 960, 220  # user units
LEFT, TOP, BOTTOM = 48, 8, 26
LETTER, BETWEEN = 7, 12  # how wide a letter of a name is at most, and what is free between two names
SERIES = ("mails", "answers")


@dataclass(frozen=True, slots=True)
class Bar:
    kind: str
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of the grid."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Name:
    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    label: str
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    names: tuple[Name, ...]
    first: str = SERIES[0]
    second: str = SERIES[1]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def make_chart(table: Table) -> Chart | None:
    """Mails and answers over the lines of a table; None where there were none."""
    series = [_values(table, name) for name in SERIES]
    highest = _round_up(max(max(values, default=0) for values in series))
    if not highest or not table.lines:
        return None
    step = (WIDTH - LEFT) / len(table.lines)
    titles = [line.title for line in table.lines]
    every = math.ceil((LETTER * max(map(len, titles)) + BETWEEN) / step)
    return Chart(
        f"{table.title}: {' and '.join(SERIES)}",
        tuple(
            _bar(kind, number, values[number], f"{titles[number]}: {values[number]:g} {name}", step, highest)
            for kind, name, values in zip(("bar", "bar2"), SERIES, series, strict=True)
            for number in range(len(titles))
        ),
        tuple(Mark(_y(part * highest / 4, highest), f"{part * highest / 4:g}") for part in range(5)),
        tuple(
            Name(round(LEFT + (number + 0.5) * step, 1), title)
            for number, title in enumerate(titles)
            if number % every == 0
        ),
    )


def _values(table: Table, name: str) -> Sequence[float]:
    place = next(place for place, column in enumerate(table.columns) if column.name == name)
    return [line.values[place] or 0 for line in table.lines]


def _bar(kind: str, number: int, value: float, title: str, step: float, highest: float) -> Bar:
    width = step * 0.38
    x = LEFT + number * step + step * 0.1 + (width if kind == "bar2" else 0)
    y = _y(value, highest)
    return Bar(kind, round(x, 1), y, round(width, 1), round(HEIGHT - BOTTOM - y, 1), title)


def _y(value: float, highest: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / highest), 1)


def _round_up(value: float) -> float:
    """To 1, 2, 4 or 8 times a power of ten, so that a quarter of it is a short number."""
    power = 1.0
    while power * 8 < value:
        power *= 10
    return next(power * times for times in (1, 2, 4, 8) if power * times >= value) if value else 0.0
