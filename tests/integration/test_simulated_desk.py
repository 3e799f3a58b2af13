"""A day of a simulated desk through the real daemon ends as its own books say; bench/desk.py plays a week."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.desk import play

pytest.importorskip("pymap", reason="the demonstration's IMAP server is not installed")


@pytest.mark.slow
def test_every_clock_and_figure_is_what_the_simulation_computes(tmp_path: Path) -> None:
    compared = play(tmp_path, days=1, mails=12, seed=5)
    assert {what: differences for what, _, differences in compared if differences} == {}
    assert {what: number for what, number, _ in compared}["ticket show: clocks"] > 5
