"""mailproc topics: train, untrain, score and status on a real store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.unit.cli.command import Command, MakeCommand

CONFIG = """
hostname = "mail.example.org"
data_dir = "state"

[store]
url = "sqlite:state/mailproc.db"

[desk.support]
addresses = ["support@example.org"]
"""
TEXTS = {"billing": "my invoice shows a wrong amount", "delivery": "the parcel has not arrived yet"}


@pytest.fixture
def run(make_command: MakeCommand) -> Command:
    return make_command(CONFIG, "topics")


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    for topic, text in TEXTS.items():
        folder = tmp_path / "mails" / topic
        folder.mkdir(parents=True)
        for number in range(6):
            (folder / f"{number}.eml").write_text(f"Subject: Question\n\nHello, {text}, number {number}.\n")
    return tmp_path / "mails"


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def trained(run: Command, mails: Path) -> Path:
    result = run("train", *(f"{topic}={mails / topic}" for topic in TEXTS))
    assert result.exit_code == 0, result.output
    assert "learnt 12 of 12 mails" in result.stderr
    return mails


def test_every_topic_is_scored_best_first(run: Command, trained: Path) -> None:
    (row,) = lines(run("score", trained / "delivery" / "1.eml", "--json"))
    assert set(row) == {"path", "topics"}
    assert [each["topic"] for each in row["topics"]] == ["delivery", "billing"]
    assert row["topics"][0]["probability"] > 0.5 > row["topics"][1]["probability"]


def test_a_person_sees_the_words(run: Command, trained: Path) -> None:
    result = run("score", trained / "delivery" / "1.eml")
    assert "delivery" in result.output
    assert "parcel" in result.output


def test_nothing_learnt_nothing_said(run: Command, mails: Path) -> None:
    assert lines(run("score", mails / "delivery" / "1.eml", "--json"))[0]["topics"] == []


def test_status_counts_the_lessons(run: Command, trained: Path) -> None:
    (row,) = lines(run("status", "--json"))
    assert row["lessons"] == {"billing": 6, "delivery": 6}
    assert row["topics"] == ["billing", "delivery"]
    assert (row["desk"], row["waiting"]) == ("support", 0)


def test_a_mail_counts_once_and_as_what_was_said_last(run: Command, trained: Path) -> None:
    assert "learnt 0 of 6 mails, 6 were known" in run("train", f"billing={trained / 'billing'}").stderr
    assert "learnt 6 of 6 mails" in run("train", f"claims={trained / 'billing'}").stderr
    assert lines(run("status", "--json"))[0]["lessons"] == {"claims": 6, "delivery": 6}


def test_untraining_leaves_no_trace(run: Command, trained: Path) -> None:
    assert "took back 6 of 6 mails" in run("untrain", trained / "billing").stderr
    (row,) = lines(run("status", "--json"))
    assert (row["lessons"], row["topics"], row["tokens"]) == ({"delivery": 6}, [], 0)


def test_paths_may_follow_their_label(run: Command, mails: Path) -> None:
    files = sorted((mails / "billing").iterdir())
    result = run("train", f"billing={files[0]}", *files[1:], f"delivery={mails / 'delivery'}")
    assert "learnt 12 of 12" in result.stderr


@pytest.mark.parametrize("wrong", ["nowhere", "billing=", "billing=/nowhere/at/all", "=mails"])
def test_what_is_no_label_with_a_path_is_a_usage_error(run: Command, wrong: str) -> None:
    assert run("train", wrong).exit_code == 2
