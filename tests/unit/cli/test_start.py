"""A command starts with what it needs, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mailproc.cli import COMMANDS, main

CONFIGURATION = """\
hostname = "mail.example.org"

[imap]
address = "127.0.0.1:143"
tls = "none"
user = "mailproc"
password = "secret"

[desk.support]
addresses = ["support@example.org"]
"""
# what only filters, letters, the agents' side or the daemon need; each takes long to import
SLOW = {
    "aiosmtplib",
    "aiosmtpd",
    "argon2",
    "cryptography",
    "dkim",
    "dns",
    "holidays",
    "icalendar",
    "imapclient",
    "jinja2",
    "re2",
    "selectolax",
    "uvloop",
}
LIGHT = (
    ("--help",),
    ("agent", "hash"),
    ("outbox", "list"),
    ("quarantine", "list"),
    ("status",),
    ("ticket", "list"),
)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_of_a_command_what_its_own_help_says(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.get_short_help_str(200) == COMMANDS[name].summary


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output.partition("Commands:")[2].splitlines()
    assert [line.split()[0] for line in shown if line] == sorted(COMMANDS)


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_a_command_imports_no_library_that_it_does_not_use(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "mailproc.toml").write_text(f'data_dir = "{tmp_path / "state"}"\n{CONFIGURATION}')
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "mailproc", *arguments],
        env={"MAILPROC_CONFIG": str(tmp_path / "mailproc.toml"), "PYTHONPATH": ":".join(sys.path)},
        input="secret\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    needed = {"argon2"} if "hash" in arguments else set()
    assert imported & SLOW == needed
