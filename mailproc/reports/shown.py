"""Figures and texts as people read them, in every format."""

from __future__ import annotations

from datetime import datetime

from mailproc.model.figures import Column, Period, Report, Unit
from mailproc.model.line import without_controls

NOTHING = "–"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def shown(column: Column, value: float | None) -> str:
    """One figure; a dash where nothing was measured."""
    if value is None:
        return NOTHING
    match column.unit:
        case Unit.SECONDS:
            return duration(value)
        case Unit.SHARE:
            return f"{100 * value:.0f} %"
        case _:
            return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3:05 h``, ``52 h``: no days, as a business day has no fixed length."""
    seconds = round(seconds)
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        return f"{seconds // _HOUR}:{seconds % _HOUR // _MINUTE:02} h"
    return f"{seconds // _HOUR:,} h"


def heading(report: Report) -> tuple[str, str]:
    """The title of a report, and the line below it."""
    made = datetime.fromtimestamp(report.made, report.period.zone)
    return (
        f"Report {printable(', '.join(report.desks))}",
        f"{dates(report.period)}, made {made:%Y-%m-%d %H:%M} ({report.period.zone})",
    )


def dates(period: Period) -> str:
    """The first day, and the last one where there are several."""
    first, last = (
        f"{datetime.fromtimestamp(moment, period.zone):%Y-%m-%d}" for moment in (period.start, period.end - 1)
    )
    return first if first == last else f"{first} to {last}"


def printable(text: str) -> str:
    """Text from outside on one line, without what commands a terminal or turns the writing round."""
    return without_controls(text).strip()
