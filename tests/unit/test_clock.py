"""The time of a shared server, as a machine with another time tells it."""

from __future__ import annotations

import logging

import pytest

from mailproc.clock import ServerClock


@pytest.mark.parametrize("ahead", [0.0, 300.0, -86400.0, 0.5])
async def test_the_servers_time_counts(ahead: float) -> None:
    clock = ServerClock(lambda: 1000.0, lambda: 1000.0 + ahead, lambda: 0.0)
    assert clock() == 1000.0
    await clock.adjust()
    assert clock() == 1000.0 + ahead


async def test_what_the_question_takes_is_no_difference() -> None:
    moments = iter([0.0])

    def elapsed() -> float:
        return next(moments, 2.0)

    times = iter([0.0, 0.0, 2.0])  # when it is made, when it asks, when it is answered
    clock = ServerClock(lambda: 1000.0 + elapsed(), lambda: 1001.9, lambda: next(times, 2.0))
    await clock.adjust()
    assert clock() == 1002.0


async def test_a_clock_that_is_wrong_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = ServerClock(lambda: 1000.0, lambda: 700.0, lambda: 0.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            await clock.adjust()
    assert [record.getMessage() for record in caplog.records] == [
        "clock=+300.0 s: this machine's time is not the database's, which counts"
    ]


async def test_a_server_that_cannot_be_asked_changes_nothing() -> None:
    def refuse() -> float:
        raise OSError

    clock = ServerClock(lambda: 1000.0, refuse, lambda: 0.0)
    with pytest.raises(OSError):
        await clock.adjust()
    assert clock() == 1000.0


async def test_a_machine_whose_clock_is_put_on_meanwhile_takes_nothing_that_others_hold() -> None:
    """Its leases and theirs are told by the server's time also until it asks again."""
    own, steady = 1000.0, 50.0
    clock = ServerClock(lambda: own, lambda: 1000.0, lambda: steady)
    await clock.adjust()
    own, steady = 1903.0, 53.0
    assert clock() == 1003.0
