"""mailproc text: what scripts and people see of a mail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailproc.cli.text import text

MAILS = Path(__file__).parents[2] / "mail"
KEYS = [
    *("path", "subject", "from", "to", "message_id", "text", "reply", "quoted", "signature", "language"),
    *("attachments", "defects"),
]


def test_json_has_one_object_per_line_with_the_keys_of_the_contract() -> None:
    paths = [str(MAILS / f"read-{name}.eml") for name in ("inline-answers", "embedded-message")]
    done = CliRunner().invoke(text, [*paths, "--json"])
    first, second = (json.loads(line) for line in done.output.splitlines())
    assert done.exit_code == 0
    assert list(first) == KEYS
    assert (first["path"], first["from"], first["to"]) == (
        paths[0],
        "anna.berg@example.com",
        ["support@example.org"],
    )
    assert first["reply"] == "Hello,\n\nThe red one.\n\nSince yesterday."
    assert second["attachments"][1] == {
        "name": "prices.csv",
        "type": "text/csv",
        "size": 20,
        "text": "Größe;Preis\n12;3,50",
    }


def test_a_mail_can_come_from_standard_input() -> None:
    done = CliRunner().invoke(text, ["-", "--json"], input=b"Subject: x\r\n\r\nhello\r\n")
    assert (json.loads(done.output)["path"], json.loads(done.output)["text"]) == ("-", "hello")


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_unreadable_file_is_named_and_the_others_are_still_read(flags: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(text, [str(tmp_path / "none"), str(MAILS / "read-bare-lf.eml"), *flags])
    assert done.exit_code == 1
    assert f"{tmp_path}/none: No such file or directory" in done.stderr
    assert "Unix" in done.stdout


def test_mail_cannot_command_the_terminal(tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.eml"
    hostile.write_bytes(
        b"Subject: a\x1b[2Jb\r\nFrom: =?utf-8?q?=1b[1mA?= <a@b.example>\r\n\r\nhello\x1b[31m\x07\r\n"
    )
    done = CliRunner().invoke(text, [str(hostile)])
    assert "\x1b" not in done.output
    assert "\x07" not in done.output


def test_people_see_who_wrote_what_and_what_is_attached() -> None:
    done = CliRunner().invoke(text, [str(MAILS / "read-embedded-message.eml")])
    for shown in (
        "Anna Berg <anna.berg@example.com>",
        "Please look at the mail below.",
        "prices.csv",
        "20 bytes",
    ):
        assert shown in done.output
    assert "Reply-To" not in done.output
