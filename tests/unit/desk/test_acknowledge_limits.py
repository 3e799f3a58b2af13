"""How many acknowledgements may leave: to one sender, one domain, strangers, and in total."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from mailproc.model.auto_answer import AcknowledgementLimits
from mailproc.store.auto_answers import DAY, HOUR
from tests.rig.acknowledging import NOW, PLAN, VOUCHED, Desks, Within, sender


async def test_one_sender_gets_few_in_a_day(within: Within) -> None:
    def work(desks: Desks) -> None:
        results = [desks.acknowledge(VOUCHED) for _ in range(4)]
        assert results[:3] == ["", "", ""]
        assert results[3] == "limit: 3 automatic answers to Ann@example.com within 24 hours"
        assert desks.acknowledge(VOUCHED, mail=sender("ANN@example.com"))  # the same person
        assert desks.acknowledge(VOUCHED, mail=sender("bob@example.com")) == ""
        assert desks.acknowledge(VOUCHED, now=NOW + DAY) == ""

    await within(work)


async def test_a_sender_that_nothing_authenticated_gets_one(within: Within) -> None:
    def work(desks: Desks) -> None:
        assert desks.acknowledge() == ""
        assert desks.acknowledge() == "limit: 1 automatic answers to Ann@example.com within 24 hours"

    await within(work)


async def test_one_domain_gets_few_in_a_day(within: Within) -> None:
    def work(desks: Desks) -> None:
        plan = replace(VOUCHED, limits=AcknowledgementLimits(per_domain=5))
        results = [desks.acknowledge(plan, mail=sender(f"u{n}@example.com")) for n in range(6)]
        assert results[:5] == [""] * 5
        assert results[5] == "limit: 5 automatic answers to example.com within 24 hours"
        assert desks.acknowledge(plan, mail=sender("u@example.net")) == ""

    await within(work)


async def test_a_thousand_forged_senders_cause_few_answers(within: Within) -> None:
    def work(desks: Desks) -> None:
        results = [desks.acknowledge(mail=sender(f"u{n}@v{n}.example.com")) for n in range(1000)]
        cap = AcknowledgementLimits().unvouched
        assert results[:cap] == [""] * cap
        assert all("nothing authenticated" in result for result in results[cap:])
        assert len(desks.waiting()) == cap
        assert desks.acknowledge(VOUCHED, mail=sender("real@example.net")) == ""
        assert desks.acknowledge(mail=sender("later@example.net"), now=NOW + HOUR + 1) == ""

    await within(work)


async def test_the_circuit_breaker_stops_all_and_closes_after_an_hour(
    within: Within, caplog: pytest.LogCaptureFixture
) -> None:
    def work(desks: Desks) -> None:
        plan = replace(VOUCHED, limits=AcknowledgementLimits(total=5, per_domain=1000))
        numbers = itertools.count()

        def send(now: float) -> str:
            return desks.acknowledge(plan, mail=sender(f"u{next(numbers)}@example.com"), now=now)

        assert [send(NOW + n) for n in range(5)] == [""] * 5
        assert len(caplog.records) == 1  # one alarm, when it opens
        assert send(NOW + 10) == "circuit breaker: 5 automatic answers within 24 hours"
        assert send(NOW + DAY - 1).startswith("circuit breaker")
        assert send(NOW + DAY + 5) == ""
        assert len(caplog.records) == 1

    await within(work)


async def test_an_open_breaker_waits_an_hour_after_the_last_answer(within: Within) -> None:
    def work(desks: Desks) -> None:
        plan = replace(VOUCHED, limits=AcknowledgementLimits(total=3, per_domain=1000))
        senders = (sender(f"u{n}@example.com") for n in itertools.count())
        times = (NOW, NOW + DAY - 100, NOW + DAY - 50)
        assert [desks.acknowledge(plan, mail=next(senders), now=at) for at in times] == ["", "", ""]
        # One answer has left the window, but the total was reached just now.
        assert desks.acknowledge(plan, mail=next(senders), now=NOW + DAY + 60).startswith("circuit breaker")
        assert desks.acknowledge(plan, mail=next(senders), now=NOW + DAY + HOUR) == ""

    await within(work)


async def test_a_clock_that_jumped_ahead_blocks_nobody_for_years(within: Within) -> None:
    def work(desks: Desks) -> None:
        plan = replace(VOUCHED, limits=AcknowledgementLimits(per_sender=1))
        assert desks.acknowledge(plan, now=NOW + 3650 * DAY) == ""
        assert desks.acknowledge(plan, now=NOW) == ""

    await within(work)


@pytest.mark.parametrize(
    "limits",
    [
        AcknowledgementLimits(per_sender=0),
        AcknowledgementLimits(per_domain=0),
        AcknowledgementLimits(total=0),
        AcknowledgementLimits(unvouched=0),
        AcknowledgementLimits(unvouched_per_sender=0),
    ],
)
async def test_a_limit_of_zero_sends_nothing(within: Within, limits: AcknowledgementLimits) -> None:
    def work(desks: Desks) -> None:
        assert desks.acknowledge(replace(PLAN, limits=limits))

    await within(work)
