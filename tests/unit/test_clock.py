"""The time of a shared server, as a machine with another time tells it."""

from __future__ import annotations

import logging

import pytest

from mailproc.clock import ServerClock


@pytest.mark.parametrize("ahead", [0.0, 300.0, -86400.0, 0.5])
async def test_the_servers_time_counts(ahead: float) -> None:
    clock = ServerClock(lambda: 1000.0, lambda: 1000.0 + ahead)
    assert clock() == 1000.0
    await clock.adjust()
    assert clock() == 1000.0 + ahead


async def test_what_the_question_takes_is_no_difference() -> None:
    times = iter([1000.0, 1002.0])
    clock = ServerClock(lambda: next(times, 1002.0), lambda: 1001.9)
    await clock.adjust()
    assert clock() == 1002.0


async def test_a_clock_that_is_wrong_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = ServerClock(lambda: 1000.0, lambda: 700.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await clock.adjust()
    assert [record.getMessage() for record in caplog.records] == [
        "clock=+300.0 s: this machine's time is not the database's, which counts"
    ]


async def test_a_server_that_cannot_be_asked_changes_nothing() -> None:
    def refuse() -> float:
        raise OSError

    clock = ServerClock(lambda: 1000.0, refuse)
    with pytest.raises(OSError):
        await clock.adjust()
    assert clock() == 1000.0
