"""mailproc spam: train, untrain, score and status on a real store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from mailproc.cli.spam import spread
from tests.unit.cli.command import Command, MakeCommand

CONFIG = """
hostname = "mail.example.org"
data_dir = "state"

[store]
url = "sqlite:state/mailproc.db"

[desk.support]
addresses = ["support@example.org"]

[stage.spam]
enough = 5
"""


@pytest.fixture
def run(make_command: MakeCommand) -> Command:
    return make_command(CONFIG, "spam")


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    """Ten mails of each kind."""
    for kind, words in (("ham", "order number delivery"), ("spam", "cheap pills casino")):
        folder = tmp_path / "mails" / kind
        folder.mkdir(parents=True)
        for number in range(10):
            (folder / f"{number}.eml").write_text(f"Subject: {kind}\n\n{words} unique{kind}{number}\n")
    return tmp_path / "mails"


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_trained_mails_are_told_apart(run: Command, mails: Path) -> None:
    assert run("train", "--ham", mails / "ham", "--spam", mails / "spam").exit_code == 0
    ham, spam = lines(run("score", mails / "ham" / "1.eml", mails / "spam" / "1.eml", "--json"))
    assert (ham["verdict"], spam["verdict"]) == ("ham", "spam")
    assert ham["score"] < 0.2 < 0.9 < spam["score"]
    assert spam["path"] == str(mails / "spam" / "1.eml")
    assert any(clue.startswith("cheap ") for clue in spam["clues"])


def test_score_is_unsure_and_says_why_until_enough_was_learnt(run: Command, mails: Path) -> None:
    run("train", "--ham", mails / "ham", "--spam", mails / "spam" / "1.eml")
    (found,) = lines(run("score", mails / "spam" / "1.eml", "--json"))
    assert found["verdict"] == "unsure"
    assert "not enough trained" in found["clues"][0]


def test_status_counts_what_was_learnt(run: Command, mails: Path) -> None:
    assert lines(run("status", "--json")) == [{"spam": 0, "ham": 0, "words": 0, "trained": False}]
    for _ in range(2):
        run("train", "--ham", mails / "ham", "--spam", mails / "spam")
    (status,) = lines(run("status", "--json"))
    assert (status["spam"], status["ham"], status["trained"]) == (10, 10, True)


def test_untrain_takes_it_back(run: Command, mails: Path) -> None:
    run("train", "--ham", mails / "ham", "--spam", mails / "spam")
    run("untrain", "--ham", mails)  # what was learnt as spam stays
    (status,) = lines(run("status", "--json"))
    assert (status["spam"], status["ham"]) == (10, 0)
    run("untrain", mails)
    assert lines(run("status", "--json"))[0]["words"] == 0


def test_several_paths_follow_one_option() -> None:
    given = ["--ham", "a", "b", "--spam", "c", "--ham", "d", "--json", "e"]
    assert spread(given, ("--ham", "--spam")) == [
        *("--ham", "a", "--ham", "b", "--spam", "c", "--ham", "d"),
        *("--json", "e"),
    ]


@pytest.mark.parametrize(
    "args", [("train",), ("train", "--ham"), ("train", "--spam", "--ham", "."), ("untrain",), ("score",)]
)
def test_wrong_usage_ends_with_2(run: Command, args: tuple[str, ...]) -> None:
    assert run(*args).exit_code == 2


def test_a_path_that_is_not_there_ends_with_2(run: Command, tmp_path: Path) -> None:
    assert run("score", tmp_path / "nowhere").exit_code == 2


def test_what_an_agent_taught_can_be_taken_back_by_name(run: Command, mails: Path) -> None:
    run("train", "--ham", mails / "ham", "--spam", mails / "spam")
    result = run("untrain", "--agent", "bob", "--since", "2026-11-20")
    assert result.exit_code == 0
    assert "took back 0 mails that bob taught" in result.stderr
    assert run("untrain", "--since", "2026-11-20").exit_code == 2
    assert run("untrain", "--agent", "bob", "--since", "lately").exit_code == 2


def test_counts_are_made_again(run: Command, mails: Path) -> None:
    run("train", "--ham", mails / "ham", "--spam", mails / "spam")
    before = lines(run("status", "--json"))
    result = run("rebuild")
    assert result.exit_code == 0
    assert "counted 20 mails again, 0 of them were read again" in result.stderr
    assert lines(run("status", "--json")) == before


def test_a_desk_may_have_cut_offs_of_its_own(run: Command, mails: Path, tmp_path: Path) -> None:
    (tmp_path / "mailproc.toml").write_text(CONFIG + "desk.support = { spam = 1.0, ham = 0.0 }\n")
    run("train", "--ham", mails / "ham", "--spam", mails / "spam")
    mail = mails / "spam" / "1.eml"
    assert [row["verdict"] for row in lines(run("score", mail, "--json"))] == ["spam"]
    assert [row["verdict"] for row in lines(run("score", mail, "--desk", "support", "--json"))] == ["unsure"]
