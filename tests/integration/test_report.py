"""Reports on a store that a daemon fills, and the mails that it sends by itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import icalendar
import pytest

from tests.rig.daemon import Daemon
from tests.rig.mails import mail
from tests.rig.waiting import eventually

DESK = "support@example.org"
REST = """agents = ["alice"]

[[desk.support.target]]
name = "all"
first = "1h"

[agent.alice]
address = "alice@example.org"
"""
REGULAR = """
[[report]]
name = "daily"
every = "day {now:%H:%M}"
to = ["alice"]
"""


@pytest.fixture
def daemon(make_daemon: Callable[..., Daemon]) -> Daemon:
    daemon = make_daemon()
    daemon.configuration.write_text(daemon.configuration.read_text() + REST)
    daemon.start()
    with daemon.lmtp() as client:
        for number in (1, 2):
            assert client.deliver("carla@customer.example", [DESK], mail(number)) == ["250 2.0.0 Accepted"]
    daemon.settle()
    return daemon


def today(daemon: Daemon) -> dict[str, Any]:
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    return {str(row["figure"]): row["value"] for row in daemon.cli("report", "--from", day)}


def test_what_came_today_is_in_todays_report(daemon: Daemon) -> None:
    first, second = (str(ticket["ticket"]) for ticket in daemon.tickets())
    daemon.output("ticket", "close", first, "--as", "alice")
    figures = today(daemon)
    assert figures["overview/mails/count"] == 2
    assert figures["overview/opened/count"] == 2
    assert figures["overview/closed/count"] == 1
    assert figures["backlog/all/count"] == 1
    assert figures["times/solution/count"] == 1
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    (left,) = daemon.cli("report", "--from", day, "--tickets", "backlog/all/count")
    assert left["ticket"] == second
    read = list(
        csv.DictReader(io.StringIO(daemon.output("report", "--from", day, "--format", "csv").decode()))
    )
    assert {row["figure"]: row["value"] for row in read}["overview/mails/count"] == "2"
    page = daemon.output("report", "--from", day, "--format", "html")
    assert page.startswith(b"<!DOCTYPE html>")
    assert b"Printer number 2" in page


def test_what_is_due_is_in_the_calendar_file(daemon: Daemon) -> None:
    def events() -> list[Any]:
        content = daemon.output("report", "--format", "ics")
        return list(icalendar.Calendar.from_ical(content).walk("VEVENT"))

    eventually(lambda: len(events()) == 2, seconds=40)
    numbers = {str(ticket["ticket"]) for ticket in daemon.tickets()}
    assert {str(event["UID"]).partition(".")[0] for event in events()} == numbers


def test_the_daemon_mails_reports_and_digests_by_itself_and_once(daemon: Daemon) -> None:
    def notices() -> int:
        return sum(item["kind"] == "notice" for item in daemon.cli("outbox", "list"))

    daemon.stop()
    now = datetime.now(UTC)
    text = daemon.configuration.read_text().replace("agents =", f'digest = "{now:%H:%M}"\nagents =')
    daemon.configuration.write_text(text + REGULAR.format(now=now))
    daemon.start()
    eventually(lambda: notices() == 2, seconds=40)
    daemon.stop()
    daemon.start()
    daemon.settle()
    assert notices() == 2
