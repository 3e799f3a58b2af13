"""mailproc calendar shows what a postmaster wrote."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.command import Command, MakeCommand

CONFIGURATION = """\
hostname = "mail.example.org"
data_dir = "state"

[calendar.office]
timezone = "Europe/Berlin"
weekdays = "09:00-12:00, 13:00-17:00"
holidays = ["DE"]

[calendar.around]
timezone = "Europe/Berlin"
weekdays = "00:00-24:00"
sunday = "00:00-24:00"

[desk.support]
addresses = ["support@example.org"]
calendar = "office"
"""


@pytest.fixture
def call(make_command: MakeCommand) -> Command:
    return make_command(CONFIGURATION, "calendar")


def test_each_day_has_its_hours_and_its_holiday(call: Command) -> None:
    shown = call("office", "--from", "2026-12-24", "--days", "2").output.splitlines()
    assert shown == [
        "Calendar office, Europe/Berlin",
        "  Thu 2026-12-24  09:00-12:00  13:00-17:00       7 h",
        "  Fri 2026-12-25  closed                              Erster Weihnachtstag",
    ]


def test_without_a_name_all_are_shown_and_a_day_of_25_hours_too(call: Command) -> None:
    shown = call("--from", "2026-10-25", "--days", "1").output
    assert shown.count("Calendar ") == 2
    assert "Sun 2026-10-25  00:00-24:00                   25 h" in shown


def test_scripts_get_a_line_for_each_day(call: Command) -> None:
    lines = call("office", "--from", "2026-12-24", "--days", "2", "--json").output.splitlines()
    work, feast = map(json.loads, lines)
    assert work == {
        "calendar": "office",
        "date": "2026-12-24",
        "weekday": "thursday",
        "holiday": None,
        "open": [
            {"from": "2026-12-24T08:00:00Z", "to": "2026-12-24T11:00:00Z"},
            {"from": "2026-12-24T12:00:00Z", "to": "2026-12-24T16:00:00Z"},
        ],
        "seconds": 25200,
    }
    assert (feast["holiday"], feast["open"], feast["seconds"]) == ("Erster Weihnachtstag", [], 0)


def test_a_name_that_is_none_fails_with_the_one_that_is_meant(call: Command) -> None:
    result = call("ofice")
    assert (result.exit_code, result.stderr) == (
        1,
        "mailproc: no calendar 'ofice' (did you mean \"office\"?)\n",
    )


@pytest.mark.parametrize("arguments", [["--from", "24.12.2026"], ["--from", "9999-01-01"], ["--days", "0"]])
def test_what_is_no_day_is_wrong_usage(call: Command, arguments: list[str]) -> None:
    assert call(*arguments).exit_code == 2


def test_a_wrong_calendar_is_wrong_usage(make_command: MakeCommand) -> None:
    result = make_command(CONFIGURATION.replace('"DE"', '"DX"'), "calendar")()
    assert result.exit_code == 2
    assert ":7: calendar.office.holidays[0]: " in result.stderr
