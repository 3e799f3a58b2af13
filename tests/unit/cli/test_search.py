"""mailproc ticket list --search and reindex, on a store without tickets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailproc.cli import main

CONFIG = """
hostname = "mail.example.org"
data_dir = "state"

[store]
url = "sqlite:state/mailproc.db"

[desk.support]
addresses = ["support@example.org"]
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    (tmp_path / "mailproc.toml").write_text(CONFIG)

    def command(*args: str) -> Result:
        return CliRunner().invoke(main, ["-c", str(tmp_path / "mailproc.toml"), "ticket", *args])

    return command


def test_what_cannot_be_searched_is_explained_on_standard_error(run: Callable[..., Result]) -> None:
    result = run("list", "--search", "?! -")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "search: '?!' has no word in it\nsearch: '-' has no word in it\n"


def test_a_query_that_is_understood_needs_no_remark(run: Callable[..., Result]) -> None:
    result = run("list", "--search", 'rechn* -"x y" from:anna "open')
    assert (result.exit_code, result.output) == (0, "")


def test_an_empty_store_is_indexed(run: Callable[..., Result]) -> None:
    result = run("reindex")
    assert (result.exit_code, result.stderr) == (0, "indexed 0 messages\n")
