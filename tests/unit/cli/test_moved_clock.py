"""The clock that tests and simulations move."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailproc.clock import VARIABLE, make_clock
from tests.unit.cli.command import MakeCommand

NIGHT = datetime(2020, 3, 4, 3, 30, tzinfo=UTC).timestamp()
CONFIGURATION = """
hostname = "mail.example.org"
data_dir = "state"
[store]
url = "sqlite:state/mailproc.db"
[desk.support]
addresses = ["support@example.org"]
chain = ["ticket", "route"]
[[stage.route.rule]]
name = "that night"
when = "now.date == '2020-03-04' and now.time == '03:30'"
tag = "night"
"""


@pytest.fixture
def question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mail, and the clock stands at ``NIGHT``."""
    clock, path = tmp_path / "clock", tmp_path / "question.eml"
    clock.touch()
    os.utime(clock, (NIGHT, NIGHT))
    monkeypatch.setenv(VARIABLE, str(clock))
    path.write_text("From: carla@customer.example\nSubject: Question\n\nHello\n")
    return path


def test_without_the_variable_it_is_the_machines_clock() -> None:
    assert make_clock({}) is time.time


def test_it_is_when_the_file_was_changed_and_follows_it_both_ways(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.touch()
    clock = make_clock({VARIABLE: str(file)})
    for moment in (1_792_000_000.0, 2_107_620_000.0, 1_000.0):
        os.utime(file, (moment, moment))
        assert clock() == moment


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_clock({VARIABLE: str(tmp_path / "none")})


def test_a_mail_is_explained_as_if_it_came_then(make_command: MakeCommand, question: Path) -> None:
    result = make_command(CONFIGURATION, "explain")("--json", question)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["tags"] == ["night"]


def test_topics_are_learnt_then(make_command: MakeCommand, question: Path, tmp_path: Path) -> None:
    result = make_command(CONFIGURATION, "topics")("train", f"billing={question}")
    assert result.exit_code == 0, result.output
    with closing(sqlite3.connect(tmp_path / "state" / "mailproc.db")) as raw:
        assert raw.execute("SELECT at FROM topic_lesson").fetchall() == [(NIGHT,)]
        assert raw.execute("SELECT DISTINCT at FROM topic_model").fetchall() == [(NIGHT,)]
