"""The hot path does not grow unseen.

Counts of calls and statements (``python -m bench.calls``) are the same on every machine; they vary a little
between versions of Python.  Who makes the path dearer on purpose raises a limit here and says why.
"""

from __future__ import annotations

from pathlib import Path

from bench.calls import MAILS, count

INTAKE = (185, 4.7)  # calls and statements of a mail: taking it in, by eight clients at a time
FILING = (1_450, 16.7)  # judging it by the core chain, and filing it with its acknowledgement


async def test_a_mail_costs_no_more_calls_and_statements_than_agreed(tmp_path: Path) -> None:
    intake, filing = await count(tmp_path)
    assert_within(intake.of_one(MAILS), INTAKE)
    assert_within(filing.of_one(MAILS), FILING)


def assert_within(found: tuple[float, float], limits: tuple[float, float]) -> None:
    assert all(each <= limit for each, limit in zip(found, limits, strict=True)), (found, limits)
