"""The formats of a report: what comes from outside harms nobody, and programs can read them."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.figures import Column, Line, Named, Period, Report, Table, figures
from mailproc.reports.calendar_file import calendar_file
from mailproc.reports.chart import LETTER, make_chart
from mailproc.reports.gather import make_report
from mailproc.reports.page import MOST_LISTED, listed_tickets, report_page, rows_of
from mailproc.reports.rows import COLUMNS, FORMULA, as_csv, report_rows, ticket_rows
from mailproc.reports.shown import duration, printable
from mailproc.reports.text import WIDTH, report_text
from mailproc.store.figures import Due
from tests.unit.reports.life import BERLIN, START, Life, memory

FIRST, AFTER = (datetime(2026, *day, tzinfo=BERLIN).timestamp() for day in ((9, 20), (10, 1)))
PERIOD = Period(FIRST, AFTER, BERLIN)
HOSTILE = '</td><script>alert("1")</script><img src=x onerror=alert(2)> \x1b[2J\u202e=1+1'
ELEMENTS = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "nav", "a", "div", "b"),
        *("i", "span", "svg", "line", "text", "rect", "table", "tr", "th", "td", "bdi", "ul", "li"),
    )
)
FETCHING = ("src", "action", "xlink:href")


@pytest.fixture(scope="module")
def report() -> Iterator[Report]:
    with memory() as tx:
        life = Life(tx, 11)
        for _ in range(3):
            ticket = life.opens()
            tx.tickets.describe(ticket.id, topic=HOSTILE, language="de", spam=0.1)
        life.run(120)
        calendars = {name: desk.calendar for name, desk in life.desks.items()}
        yield make_report(tx, calendars, PERIOD, PERIOD.end)


class Page(HTMLParser):
    """What a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def page_of(report: Report, subject: str = HOSTILE) -> tuple[str, Page]:
    listed = listed_tickets(report)
    text = report_page(report, listed, {row: Named(str(row), subject) for row in rows_of(listed)})
    page = Page()
    page.feed(text)
    return text, page


def test_the_page_has_no_script_and_fetches_nothing(report: Report) -> None:
    text, page = page_of(report)
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    attributes = {name for _, attributes in page.elements for name in attributes}
    assert not [name for name in attributes if name.startswith("on") or name in FETCHING]
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert links
    assert all(link is not None and link.startswith("#") for link in links)
    assert not re.search(r"url\(|@import|https?:", text)
    assert "default-src 'none'" in text


def test_every_link_of_the_page_leads_to_a_place_in_it(report: Report) -> None:
    _, page = page_of(report)
    places = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(places) == len(set(places))
    assert {attributes["href"] for tag, attributes in page.elements if tag == "a"} <= {
        f"#{place}" for place in places
    }


def test_what_comes_from_outside_is_text_in_the_page(report: Report) -> None:
    text, _ = page_of(report)
    assert "&lt;script&gt;alert(" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_page_shows_its_charts_and_stays_small(report: Report) -> None:
    text, page = page_of(report)
    assert sum(tag == "svg" for tag, _ in page.elements) == 3
    assert len(text) < 400_000
    assert sum(len(tickets) for tickets in listed_tickets(report).values()) <= MOST_LISTED + 20


@pytest.mark.parametrize(
    ("count", "title"), [(62, "Wed 30 Sep"), (31, "Wed 30 Sep"), (24, "00:00"), (7, "Wednesday")]
)
def test_names_below_a_chart_do_not_run_into_each_other(count: int, title: str) -> None:
    columns = (Column("mails", "mails"), Column("answers", "answers"))
    lines = tuple(Line(str(number), title, (number, number)) for number in range(count))
    chart = make_chart(Table("day", "Over time", columns, lines))
    assert chart is not None
    places = [name.x for name in chart.names]
    assert len(places) >= min(count, 6)
    assert all(after - before >= LETTER * len(title) for before, after in pairwise(places))


def test_the_text_is_as_wide_as_a_terminal_and_commands_none(report: Report) -> None:
    text = report_text(report)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert not [letter for letter in text if unicodedata.category(letter)[0] == "C" and letter != "\n"]


def test_the_text_of_a_small_desk() -> None:
    with memory() as tx:
        life = Life(tx, 2)
        life.run(6)
        text = report_text(make_report(tx, {"support": life.desks["support"].calendar}, PERIOD, PERIOD.end))
    assert text.startswith(
        "Report support\n"
        "══════════════\n"
        "2026-09-20 to 2026-09-30, made 2026-10-01 00:00 (Europe/Berlin)\n"
        "\n"
        "\n"
        "Overview\n"
        "────────\n"
    )


def test_each_line_of_json_is_a_figure_with_its_unit(report: Report) -> None:
    rows: list[dict[str, Any]] = [json.loads(json.dumps(row)) for row in report_rows(report)]
    assert [row["figure"] for row in rows] == [figure.name for figure in figures(report)]
    assert {row["unit"] for row in rows} == {"count", "seconds", "share"}
    assert rows[0]["from"] == "2026-09-19T22:00:00Z"
    assert all(set(row) == set(COLUMNS) for row in rows)


def test_a_spreadsheet_sees_no_formula(report: Report) -> None:
    subjects = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        " =1",
        "\n=1",
        "＝1",
        '"=1"',
        'plain, "quoted"',
    ]
    names = {number: Named(str(number), subject) for number, subject in enumerate(subjects)}
    text = as_csv(ticket_rows("x", names, names), ("figure", "ticket", "subject"))
    read = [row["subject"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    assert [subject.removeprefix("'") for subject in read] == subjects
    assert not [subject for subject in read if subject.lstrip(" ").startswith(FORMULA)]


def test_csv_has_the_same_figures_as_json(report: Report) -> None:
    rows = list(report_rows(report))
    text = as_csv(rows, COLUMNS)
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert text.count("\r\n") >= len(rows) + 1
    values = [row["value"] for row in rows]
    assert [row["value"] for row in read] == ["" if value is None else str(value) for value in values]


def due(**changed: Any) -> Due:
    values = {"id": 1, "number": "17", "desk": "support", "subject": "Printer", "state": "new"}
    return Due(**{**values, "owner": "alice", "kind": "first", "due": START, **changed})


@given(subject=st.text(max_size=300))
def test_a_calendar_program_reads_what_is_due(subject: str) -> None:
    content = calendar_file([due(subject=subject), due(number="18", owner="")], "mail.example.org", START)
    lines = content.split(b"\r\n")
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 75
    assert not [line for line in lines if b"\n" in line or b"\r" in line]
    events: list[Any] = list(icalendar.Calendar.from_ical(content).walk("VEVENT"))
    assert [str(event["UID"]).partition("@")[0] for event in events] == ["17.support", "18.support"]
    assert [event["DTSTART"].dt for event in events] == [datetime.fromtimestamp(START, UTC)] * 2
    expected = f"17 first answer: {printable(subject)[:200]}".strip()
    assert str(events[0]["SUMMARY"]).strip() == expected


def test_a_calendar_file_without_events_is_one() -> None:
    content = calendar_file([], "mail.example.org", START)
    assert list(icalendar.Calendar.from_ical(content).walk("VEVENT")) == []


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (3599, "59 min"), (3660, "1:01 h"), (90_000, "25 h")],
)
def test_durations_are_short(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
