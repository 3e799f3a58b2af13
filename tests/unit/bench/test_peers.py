"""The table of bench/run."""

from __future__ import annotations

from bench.load import Load
from bench.peers import GOALS, RT, table

RATES = {name: 1000.0 for goal in GOALS for name in goal[:2]}


def test_request_tracker_has_a_row_where_it_was_measured() -> None:
    text = table([{**RATES, RT: 1.26}, {**RATES, RT: 1.32}, {**RATES, RT: 1.44}], Load())
    assert f"| {RT} | 1.3 | 1.3 to 1.4 |" in text
    assert "Request Tracker got 100 mails, 2 at a time." in text


def test_without_it_nothing_is_said_of_it() -> None:
    text = table([RATES], Load())
    assert "Request Tracker" not in text
    assert "| Postfix, into its queue | 1,000 | 1,000 to 1,000 |" in text
