"""Whole reports as they were when somebody looked at them: a change is seen.

After a wanted change run this test with MAILPROC_WRITE_GOLDEN=1, and read the files before they are
committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from mailproc.model.figures import Period, Report
from mailproc.model.target import Target
from mailproc.reports.gather import make_report
from mailproc.reports.page import listed_tickets, report_page, rows_of
from mailproc.reports.rows import COLUMNS, as_csv, report_rows
from mailproc.reports.text import report_text
from mailproc.store.transaction import Transaction
from tests.unit.reports.life import BERLIN, Life, memory

FOLDER = Path(__file__).parent / "golden"
PERIOD = Period(
    datetime(2026, 9, 20, tzinfo=BERLIN).timestamp(), datetime(2026, 9, 28, tzinfo=BERLIN).timestamp(), BERLIN
)
TARGET = Target("all", first=2 * 3600, next=4 * 3600, solution=8 * 3600)

Made = tuple[Report, Transaction]


@pytest.fixture(scope="module")
def made() -> Iterator[Made]:
    with memory() as tx:
        life = Life(tx, 7)
        life.run(90)
        calendars = {name: desk.calendar for name, desk in life.desks.items()}
        yield make_report(tx, calendars, PERIOD, PERIOD.end, lambda heads: [TARGET] * len(heads)), tx


def written(made: Made, form: str) -> str:
    report, tx = made
    if form == "txt":
        return report_text(report)
    if form == "csv":
        return as_csv(report_rows(report), COLUMNS)
    listed = listed_tickets(report)
    return report_page(report, listed, tx.figures.names(rows_of(listed)))


@pytest.mark.parametrize("form", ["txt", "csv", "html"])
def test_a_report_is_as_it_was_when_somebody_looked(made: Made, form: str) -> None:
    expected, seen = FOLDER / f"report.{form}", written(made, form).encode()
    if os.environ.get("MAILPROC_WRITE_GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        expected.write_bytes(seen)
    assert seen.decode() == expected.read_bytes().decode()
