"""mailproc ticket list --search and reindex, on a store without tickets."""

from __future__ import annotations

import pytest

from tests.unit.cli.command import Command, MakeCommand

CONFIG = """
hostname = "mail.example.org"
data_dir = "state"

[store]
url = "sqlite:state/mailproc.db"

[desk.support]
addresses = ["support@example.org"]
"""


@pytest.fixture
def run(make_command: MakeCommand) -> Command:
    return make_command(CONFIG, "ticket")


def test_what_cannot_be_searched_is_explained_on_standard_error(run: Command) -> None:
    result = run("list", "--search", "?! -")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "search: '?!' has no word in it\nsearch: '-' has no word in it\n"


def test_a_query_that_is_understood_needs_no_remark(run: Command) -> None:
    result = run("list", "--search", 'rechn* -"x y" from:anna "open')
    assert (result.exit_code, result.output) == (0, "")


def test_an_empty_store_is_indexed(run: Command) -> None:
    result = run("reindex")
    assert (result.exit_code, result.stderr) == (0, "indexed 0 messages\n")
