"""A child process: bounded by its parent and by itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mailproc.child import ChildFailed, run_in_child

CONFINED = "from mailproc.child import confine; confine(cpu=1, memory=200_000_000); "


def confined(code: str) -> int:
    """How a confined child ends."""
    return subprocess.run([sys.executable, "-c", CONFINED + code], capture_output=True, timeout=60).returncode


async def test_the_child_gets_the_input_and_its_output_comes_back() -> None:
    assert (await run_in_child("base64", b"mail", seconds=30, most=100)).strip() == b"bWFpbA=="


async def test_an_error_of_the_child_is_an_error() -> None:
    with pytest.raises(ChildFailed, match="status 1"):
        await run_in_child("no.such.module", b"", seconds=30, most=100)


async def test_the_child_may_take_no_longer() -> None:
    with pytest.raises(ChildFailed, match=r"no result within 0 s"):
        await run_in_child("base64", b"mail", seconds=0.0, most=100)


async def test_the_child_may_print_no_more() -> None:
    with pytest.raises(ChildFailed, match="printed more than 100 bytes"):
        await run_in_child("base64", b"mail" * 1000, seconds=30, most=100)


@pytest.mark.parametrize(
    "code",
    [
        "bytearray(400_000_000)",
        "open('written', 'wb', buffering=0).write(b'x')",
        "\nwhile True: pass",
    ],
    ids=["memory", "file", "time"],
)
def test_a_confined_child_is_stopped(code: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert confined(code) != 0


def test_a_confined_child_can_do_its_work() -> None:
    assert confined("sum(range(1000))") == 0
