"""A chain runs its stages in order, within their time, and goes on or not as they say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailproc.pipeline.breaker import REST, STRIKES
from mailproc.pipeline.chain import CannotOpen, Chain, Step
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.rehearsal import Unanswered
from mailproc.pipeline.verdict import CONTINUE, STOP, Course, OnError, Verdict
from mailproc.pipeline.when import compile_when
from mailproc.stage import LookUps, Stage

Process = Callable[[Delivery], Awaitable[Verdict]]


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Played(Stage):
    """A stage that does what the test says, and keeps a diary."""

    play: Process
    diary: list[str] = field(default_factory=list)
    opening: Exception | None = None

    async def open(self, look_ups: LookUps) -> None:
        if self.opening:
            raise self.opening
        self.diary.append(f"open {','.join(look_ups.stages)}")

    async def process(self, delivery: Delivery) -> Verdict:
        self.diary.append("process")
        return await self.play(delivery)

    async def close(self) -> None:
        self.diary.append("close")


async def agree(delivery: Delivery) -> Verdict:
    delivery.add_tag("seen")
    return CONTINUE


async def hang(delivery: Delivery) -> Verdict:
    await asyncio.Event().wait()
    return CONTINUE


async def break_down(delivery: Delivery) -> Verdict:
    raise RuntimeError("password is hunter2")


def step(name: str, play: Process, *, timeout: float = 30.0, on_error: OnError = OnError.CONTINUE) -> Step:
    return Step(name, Played(play), Path(f"{name}.py"), None, timeout, on_error)


def played(chain: Chain) -> Iterator[Played]:
    for one in chain.steps:
        assert isinstance(one.stage, Played)
        yield one.stage


def fresh(delivery: Delivery) -> Delivery:
    return Delivery(delivery.envelope, delivery.desk, delivery.raw, delivery.received)


LOOK_UPS = LookUps(Unanswered(), Unanswered(), Unanswered(), (), "mail.example.org")


async def test_stages_run_in_order_and_leave_their_results(delivery: Delivery) -> None:
    clock = Clock()

    async def slow(_: Delivery) -> Verdict:
        clock.now += 0.25
        return CONTINUE

    verdict = await Chain([step("one", agree), step("two", slow)], monotonic=clock).run(delivery)
    assert verdict == CONTINUE
    assert [(result.stage, result.verdict, result.tags) for result in delivery.results] == [
        ("one", "continue", ["seen"]),
        ("two", "continue", []),
    ]
    assert [result.milliseconds for result in delivery.results] == [0.0, 250.0]


async def test_others_go_first_between_two_stages_and_only_there(delivery: Delivery) -> None:
    chain = Chain([step(name, agree) for name in ("a", "b", "c")])
    seen: list[int] = []

    async def between() -> None:
        seen.append(len(delivery.results))

    await chain.run(delivery, between)
    assert seen == [1, 2]


@pytest.mark.parametrize("course", [Course.STOP, Course.DEFER, Course.IGNORE, Course.QUARANTINE])
async def test_a_verdict_that_is_not_continue_ends_the_chain(delivery: Delivery, course: Course) -> None:
    async def decide(_: Delivery) -> Verdict:
        return Verdict(course, "because")

    chain = Chain([step("one", decide), step("two", agree)])
    assert await chain.run(delivery) == Verdict(course, "because")
    assert [(result.stage, result.verdict) for result in delivery.results] == [("one", course.value)]


async def test_a_stage_whose_condition_does_not_hold_is_skipped(delivery: Delivery) -> None:
    skipped = Step("one", Played(agree), Path("one.py"), compile_when("'vip' in tags", {}))
    assert await Chain([skipped]).run(delivery) == CONTINUE
    assert [result.verdict for result in delivery.results] == ["skipped"]
    assert delivery.tags == ()


async def test_a_stage_that_fails_is_tagged_and_the_mail_goes_on(
    delivery: Delivery, caplog: pytest.LogCaptureFixture
) -> None:
    assert await Chain([step("enrich", break_down), step("two", agree)]).run(delivery) == CONTINUE
    assert delivery.tags == ("enrich-failed", "seen")
    failed = delivery.results[0]
    assert (failed.verdict, failed.notes) == ("failed", {"error": "RuntimeError"})
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert (
        "desk=support stage=enrich on_error=continue error=RuntimeError: 'password is hunter2'"
        in record.message
    )


async def test_a_stage_that_fails_may_defer_the_mail(delivery: Delivery) -> None:
    chain = Chain([step("ticket", break_down, on_error=OnError.DEFER), step("two", agree)])
    assert await chain.run(delivery) == Verdict(Course.DEFER, "stage ticket: RuntimeError")
    assert len(delivery.results) == 1


async def test_a_condition_that_fails_is_a_failure_of_its_stage(delivery: Delivery) -> None:
    condition = compile_when("tags and tags[0] > 3", {})
    broken = Step("two", Played(agree), Path("two.py"), condition)
    assert await Chain([step("one", agree), broken]).run(delivery) == CONTINUE
    assert [result.verdict for result in delivery.results] == ["continue", "failed"]


async def test_a_stage_that_returns_no_verdict_has_failed(delivery: Delivery) -> None:
    async def forget(_: Delivery) -> Verdict:
        return None  # type: ignore[return-value]

    await Chain([step("one", forget)]).run(delivery)
    assert delivery.results[0].notes == {"error": "TypeError"}


async def test_a_stage_that_hangs_is_ended_by_its_time_limit(delivery: Delivery) -> None:
    assert await Chain([step("one", hang, timeout=0.001), step("two", agree)]).run(delivery) == CONTINUE
    assert delivery.tags == ("one-failed", "seen")
    assert delivery.results[0].notes == {"error": "TimeoutError"}


async def test_a_stage_may_let_others_go_first_and_then_answer_fail_or_hang(delivery: Delivery) -> None:
    async def turn_and(then: Process) -> Chain:
        async def play(delivery: Delivery) -> Verdict:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return await then(delivery)

        return Chain([Step("one", Played(play), Path("one.py"), timeout=0.01)])

    assert await (await turn_and(agree)).run(delivery) is CONTINUE
    assert delivery.tags == ("seen",)
    await (await turn_and(hang)).run(delivery)
    assert delivery.results[-1].notes == {"error": "TimeoutError"}


async def test_a_stage_that_lets_others_go_first_is_cancelled_there(delivery: Delivery) -> None:
    seen: list[str] = []

    async def play(delivery: Delivery) -> Verdict:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return CONTINUE

    task = asyncio.create_task(Chain([Step("one", Played(play), Path("one.py"))]).run(delivery))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]


async def test_a_cancelled_chain_is_cancelled(delivery: Delivery) -> None:
    task = asyncio.create_task(Chain([step("one", hang)]).run(delivery))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_stage_that_times_out_five_times_in_a_row_rests_for_a_minute(delivery: Delivery) -> None:
    clock = Clock()
    chain = Chain([step("one", hang, timeout=0.001)], monotonic=clock)
    (stage,) = played(chain)
    for _ in range(STRIKES + 3):
        last = fresh(delivery)
        await chain.run(last)
    assert stage.diary == ["process"] * STRIKES
    assert (last.results[0].verdict, last.tags) == ("skipped", ("one-failed",))
    clock.now += REST
    for _ in range(3):  # one more try, and it rests again
        await chain.run(fresh(delivery))
    assert stage.diary == ["process"] * (STRIKES + 1)


async def test_a_resting_stage_that_defers_still_defers(delivery: Delivery) -> None:
    chain = Chain([step("one", hang, timeout=0.001, on_error=OnError.DEFER)], monotonic=Clock())
    for _ in range(STRIKES + 1):
        verdict = await chain.run(fresh(delivery))
    assert verdict == Verdict(Course.DEFER, "stage one: rests after time-outs")


async def test_an_answer_breaks_the_row_of_time_outs(delivery: Delivery) -> None:
    answers = iter([hang, hang, hang, hang, agree] * 4)

    async def sometimes(delivery: Delivery) -> Verdict:
        return await next(answers)(delivery)

    chain = Chain([step("one", sometimes, timeout=0.001)], monotonic=Clock())
    (stage,) = played(chain)
    for _ in range(20):
        await chain.run(fresh(delivery))
    assert len(stage.diary) == 20


async def test_a_stage_that_blocks_too_long_rests_too(delivery: Delivery) -> None:
    """It cannot be interrupted, so what it said counts, but it is left out."""
    clock = Clock()

    async def block(_: Delivery) -> Verdict:
        clock.now += 31.0
        return STOP

    chain = Chain([step("one", block)], monotonic=clock)
    for _ in range(STRIKES):
        assert await chain.run(fresh(delivery)) == STOP
    assert await chain.run(fresh(delivery)) == CONTINUE


async def test_stages_are_opened_with_the_chains_names_and_closed_backwards() -> None:
    chain = Chain([step("one", agree), step("two", agree)])
    await chain.open(LOOK_UPS)
    await chain.close()
    assert [stage.diary for stage in played(chain)] == [["open one,two", "close"]] * 2


async def test_a_stage_that_cannot_open_is_named_and_those_before_it_are_closed() -> None:
    broken = Step("two", Played(agree, opening=OSError("no database")), Path("two.py"))
    chain = Chain([step("one", agree), broken, step("three", agree)])
    with pytest.raises(CannotOpen, match=r"^stage two: OSError: no database$"):
        await chain.open(LOOK_UPS)
    assert [stage.diary[1:] for stage in played(chain)] == [["close"], [], []]
