"""The man pages say what the program says, and man can show them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click
import pytest

from mailproc.cli import COMMANDS, main
from mailproc.config import Config
from mailproc.model.option import fields_of
from man.make import HERE, UNSAID, pages
from tests.conftest import peer_is_missing

SHIPPED = sorted(HERE.glob("man[15]/*"))


def test_the_pages_are_those_of_this_program() -> None:
    """`make docs` writes them anew after a change of a command or a key."""
    shipped = {path.relative_to(HERE).as_posix(): path.read_text() for path in SHIPPED}
    wanted = pages()
    assert sorted(shipped) == sorted(wanted)
    assert [name for name in wanted if shipped[name] != wanted[name]] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_names_every_command_and_option(name: str) -> None:
    text = pages()[f"man1/mailproc-{name}.1"].replace("\\-", "-")
    context = click.Context(main, info_name="mailproc")
    top = main.get_command(context, name)
    assert top is not None
    children = top.commands.values() if isinstance(top, click.Group) else ()
    for command in (top, *children):
        assert f"mailproc {name}" in text
        assert str(command.name) in text
        options = [option for param in command.params for option in param.opts if option.startswith("--")]
        assert [option for option in options if option not in text] == []


def test_the_page_of_the_configuration_has_every_table_and_key() -> None:
    text = pages()["man5/mailproc.toml.5"]
    for name in fields_of(Config):
        assert f".B {name}" in text or f"[{name}" in text
    assert ".B claim_expires = 4.0\n" in text
    assert "[imap.names]" in text
    assert UNSAID not in text


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_page_is_shown_without_a_complaint(path: Path) -> None:
    if not shutil.which("groff"):
        peer_is_missing("groff is not installed")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", path], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
