"""mailproc agent absent and list."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.command import Command, MakeCommand

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
def agent(make_command: MakeCommand) -> Command:
    return make_command(CONFIG, "agent")


def listed(agent: Command) -> list[dict[str, object]]:
    return [json.loads(line) for line in agent("list", "--json").stdout.splitlines()]


def test_everybody_is_here_until_somebody_says_otherwise(agent: Command) -> None:
    alice, bob = listed(agent)
    assert alice == {
        "agent": "alice",
        "name": "alice",
        "desks": ["support"],
        "here": True,
        "claimed": 0,
        "absent": [{"from": "2099-12-24", "to": "2099-12-31", "by": "configuration"}],
    }
    assert (bob["here"], bob["absent"]) == (True, [])


def test_who_is_said_to_be_absent_is_until_it_is_taken_back(agent: Command) -> None:
    assert agent("absent", "bob", "--from", "2020-01-01").exit_code == 0
    _, bob = listed(agent)
    assert (bob["here"], bob["absent"]) == (False, [{"from": "2020-01-01", "to": None, "by": "command"}])
    assert "absent" in agent("list").stdout
    assert agent("absent", "bob", "--off").stdout == "bob is here again\n"
    assert listed(agent)[1]["here"] is True


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
def test_what_cannot_be_is_refused(agent: Command, arguments: list[str], status: int, said: str) -> None:
    result = agent("absent", *arguments)
    assert (result.exit_code, said in result.stderr) == (status, True)
