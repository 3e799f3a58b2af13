"""Whole mails of agents, as their clients write them, and their commands: ``command-*.eml`` → ``.out``.

A new case: add the mail, run this test with MAILPROC_WRITE_GOLDEN=1, and read the ``.out`` before it is
committed.
"""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path

import pytest

from mailproc.mime.commands import extract_commands
from mailproc.mime.reader import read

MAILS = Path(__file__).parents[2] / "mail"
CASES = sorted(path.stem for path in MAILS.glob("command-*.eml"))


def told(raw: bytes) -> dict[str, object]:
    commands = extract_commands(raw)
    rest = read(commands.raw_without)
    return {
        "commands": list(map(str, commands.lines)),
        "problems": commands.problems,
        "nothing else": commands.says_nothing_else,
        "own text": commands.own_text.split("\n"),
        "text": rest.text.split("\n"),
        "html": difference(read(raw).html, rest.html),
        "parts": [f"{part.type} {part.charset} {part.encoding}" for part in rest.parts],
    }


def difference(before: str, after: str) -> list[str]:
    """What is gone or new, tag by tag."""
    old, new = (text.replace("\r", "").replace("<", "\n<").split("\n") for text in (before, after))
    return [line for line in difflib.ndiff(old, new) if line[0] in "-+"]


@pytest.mark.parametrize("name", CASES)
def test_commands_are_found_and_taken_out_as_when_somebody_looked(name: str) -> None:
    expected = MAILS / f"{name}.out"
    seen = json.dumps(told((MAILS / f"{name}.eml").read_bytes()), ensure_ascii=False, indent=1) + "\n"
    if os.environ.get("MAILPROC_WRITE_GOLDEN"):
        expected.write_text(seen, encoding="utf-8")
    assert seen == expected.read_text(encoding="utf-8")
