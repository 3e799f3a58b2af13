"""The clock that tests and simulations move."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mailproc.clock import VARIABLE, make_clock


def test_without_the_variable_it_is_the_machines_clock() -> None:
    assert make_clock({}) is time.time


def test_it_is_when_the_file_was_changed_and_follows_it_both_ways(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.touch()
    clock = make_clock({VARIABLE: str(file)})
    for moment in (1_792_000_000.0, 2_107_620_000.0, 1_000.0):
        os.utime(file, (moment, moment))
        assert clock() == moment


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_clock({VARIABLE: str(tmp_path / "none")})
