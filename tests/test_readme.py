"""The README tells the truth: its files are written, its commands run, its snippets are the tested ones.

A comment above a block says what it is: ``file: NAME`` is written to a folder, ``run`` is executed there (or
``run: COMMAND`` instead, in the checkout), ``output`` is what the command before it prints, and
``same as: FILE`` repeats a file of the checkout.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(
    r"^<!-- (?P<kind>[a-z ]+)(?:: (?P<name>.+?))? -->\n```\w*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    kind: str
    name: str
    text: str


def blocks(*kinds: str) -> list[Block]:
    found = [
        Block(match["kind"], match["name"] or "", match["text"])
        for match in BLOCK.finditer(README.read_text())
    ]
    return [block for block in found if block.kind in kinds]


def shell(command: str, folder: Path) -> str:
    """Run as a reader would, with mailproc in the path; what it printed."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["sh", "-euc", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def put(block: Block, folder: Path) -> None:
    """Write a file of the README, readable by its owner only, as the README asks of one of them."""
    path = folder / block.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text)
    path.chmod(0o600)


def normal(output: str) -> str:
    """Without what differs from run to run: numbers, codes, paths, spaces."""
    output = re.sub(r"\[T#\d+-\w+\]", "[T#N]", output)
    output = re.sub(r"[\d.]+\.[a-z2-7]{10}\b", "N.MAC", output)
    output = re.sub(r"/\S+", "PATH", output)
    return re.sub(r"\s+", " ", re.sub(r"\d+(\.\d+)?", "N", output)).strip()


@pytest.mark.parametrize("block", blocks("same as"), ids=lambda block: block.name)
def test_a_snippet_is_the_file_that_the_tests_use(block: Block) -> None:
    assert block.text == (ROOT / block.name).read_text()


def test_the_files_and_commands_work_in_order(tmp_path: Path) -> None:
    ran = 0
    for block in blocks("file", "run"):
        if block.kind == "file":
            put(block, tmp_path)
        elif not block.name:
            shell(block.text, tmp_path)
            ran += 1
    assert ran


def test_the_first_filter_does_what_it_says(tmp_path: Path) -> None:
    for block in blocks("file"):
        put(block, tmp_path)
    assert '"urgent"' in shell("mailproc -c mailproc.toml explain question.eml --json", tmp_path)


def test_the_demonstration_prints_what_the_readme_shows() -> None:
    (shown,) = blocks("output")
    assert normal(shell("mailproc demo --once", ROOT)) == normal(shown.text)
