"""The command line on a site of its own, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailproc.cli import main
from tests.unit.cli.command import Command, MakeCommand


@pytest.fixture
def make_command(tmp_path: Path) -> MakeCommand:
    """Writes ``mailproc.toml``; what is made runs the command of these words with further arguments."""
    path = tmp_path / "mailproc.toml"

    def make(configuration: str, *words: str) -> Command:
        path.write_text(configuration)

        def command(*arguments: object) -> Result:
            return CliRunner().invoke(main, ["-c", str(path), *words, *map(str, arguments)])

        return command

    return make
