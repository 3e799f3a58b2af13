"""mailproc import: a history from whatever mails are kept in, as often as one likes."""

from __future__ import annotations

import json
import mailbox
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailproc.cli import main
from tests.rig.mails import mail

CONFIG = """
hostname = "mail.example.org"
data_dir = "state"
[desk.support]
addresses = ["support@example.org"]
chain = ["automatic", "ticket", "acknowledge"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "mailproc.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def history(tmp_path: Path) -> list[Path]:
    """An mbox, a Maildir with a folder, and a directory, in which one mail stands twice and two are none."""
    box = mailbox.mbox(tmp_path / "old.mbox")
    for number in (1, 2):
        box.add(mail(number))
    box.add(b"\n")
    box.close()
    maildir = mailbox.Maildir(tmp_path / "Maildir")
    maildir.add(mail(3))
    maildir.add_folder("Done").add(mail(4))
    (tmp_path / "mails" / "deep").mkdir(parents=True)
    (tmp_path / "mails" / "deep" / "5.eml").write_bytes(mail(5))
    (tmp_path / "mails" / "again.eml").write_bytes(mail(1))
    (tmp_path / "mails" / "empty.eml").write_bytes(b"")
    return [tmp_path / "old.mbox", tmp_path / "Maildir", tmp_path / "mails"]


def mailproc(site: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(site), *arguments])


def report(result: Result) -> dict[str, int]:
    assert result.exit_code == 0, result.stderr
    found: dict[str, int] = json.loads(result.stdout)
    return found


def test_all_forms_are_taken_in_and_a_second_time_changes_nothing(site: Path, history: list[Path]) -> None:
    paths = [str(path) for path in history]
    first = mailproc(site, "import", "--json", *paths)
    assert report(first) == {"imported": 5, "known": 1, "unreadable": 2}
    before = mailproc(site, "ticket", "list", "--json").stdout
    assert len(before.splitlines()) == 5
    assert report(mailproc(site, "import", "--json", *paths)) == {"imported": 0, "known": 6, "unreadable": 2}
    assert mailproc(site, "ticket", "list", "--json").stdout == before
    assert mailproc(site, "outbox", "list", "--json").stdout == ""


def test_what_does_not_fit_is_named_with_its_file_and_why(site: Path, history: list[Path]) -> None:
    result = mailproc(site, "import", *map(str, history))
    named = {line for line in result.stderr.splitlines() if ": " in line}
    assert {f"{history[0]}#3: empty", f"{history[2] / 'empty.eml'}: empty"} <= named


def test_progress_is_for_terminals(site: Path, history: list[Path]) -> None:
    result = mailproc(site, "import", *map(str, history))
    assert "\r" not in result.stderr
    assert "%" not in result.stderr
