"""mailproc agent absent and list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailproc.cli import main

CONFIG = """
hostname = "mail.example.org"
data_dir = "."
[desk.support]
addresses = ["support@example.org"]
agents = ["alice", "bob"]
[agent.alice]
absent = ["2099-12-24/2099-12-31"]
[agent.bob]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "mailproc.toml"
    path.write_text(CONFIG)
    return path


def mailproc(site: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(site), "agent", *arguments])


def listed(site: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in mailproc(site, "list", "--json").stdout.splitlines()]


def test_everybody_is_here_until_somebody_says_otherwise(site: Path) -> None:
    alice, bob = listed(site)
    assert alice == {
        "agent": "alice",
        "name": "alice",
        "desks": ["support"],
        "here": True,
        "claimed": 0,
        "absent": [{"from": "2099-12-24", "to": "2099-12-31", "by": "configuration"}],
    }
    assert (bob["here"], bob["absent"]) == (True, [])


def test_who_is_said_to_be_absent_is_until_it_is_taken_back(site: Path) -> None:
    assert mailproc(site, "absent", "bob", "--from", "2020-01-01").exit_code == 0
    _, bob = listed(site)
    assert (bob["here"], bob["absent"]) == (False, [{"from": "2020-01-01", "to": None, "by": "command"}])
    assert "absent" in mailproc(site, "list").stdout
    assert mailproc(site, "absent", "bob", "--off").stdout == "bob is here again\n"
    assert listed(site)[1]["here"] is True


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["eve"], 1, "no agent 'eve'"),
        (["bob", "--off"], 1, "bob was not absent"),
        (["bob", "--to", "2020-01-01"], 2, "before"),
        (["bob", "--from", "2020-01-01", "--to", "2020-01-02"], 1, "is past"),
        (["bob", "--from", "soon"], 2, "is no date"),
        (["bob", "--off", "--to", "2099-01-01"], 2, "stands alone"),
    ],
)
def test_what_cannot_be_is_refused(site: Path, arguments: list[str], status: int, said: str) -> None:
    result = mailproc(site, "absent", *arguments)
    assert (result.exit_code, said in result.stderr) == (status, True)
