"""Time limit, memory and breaker around a source."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from mailproc.enrich.inquiry import Inquiry
from mailproc.enrich.source import Record, SourceAway
from mailproc.pipeline.breaker import REST, STRIKES


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Customers:
    """A source that counts; ``failure`` is what it raises, ``gate`` what it waits for."""

    asked: list[str] = field(default_factory=list)
    failure: Exception | None = None
    gate: asyncio.Event | None = None
    is_closed: bool = False

    async def ask(self, values: Mapping[str, str]) -> list[Record]:
        self.asked.append(values["sender"])
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return [{"name": values["sender"].upper()}]

    async def close(self) -> None:
        self.is_closed = True


def inquiry(source: Customers, clock: Clock, *, timeout: float = 5.0, cache: float = 60.0) -> Inquiry:
    needs = frozenset({"sender"})
    return Inquiry("crm", source, needs, timeout=timeout, cache=cache, monotonic=clock)


async def test_an_answer_is_believed_for_its_age() -> None:
    source, clock = Customers(), Clock()
    asking = inquiry(source, clock)
    for _ in range(3):
        assert await asking.ask({"sender": "ann", "subject": "other"}) == ({"name": "ANN"},)
    assert source.asked == ["ann"]
    clock.now += 60
    await asking.ask({"sender": "ann"})
    assert source.asked == ["ann", "ann"]


async def test_without_an_age_nothing_is_kept() -> None:
    source = Customers()
    asking = inquiry(source, Clock(), cache=0)
    await asking.ask({"sender": "ann"})
    await asking.ask({"sender": "ann"})
    assert source.asked == ["ann", "ann"]


async def test_a_question_under_way_is_asked_once() -> None:
    source = Customers(gate=asyncio.Event())
    asking = inquiry(source, Clock())
    questions = [asyncio.create_task(asking.ask({"sender": "ann"})) for _ in range(5)]
    await asyncio.sleep(0)
    assert source.gate is not None
    source.gate.set()
    assert await asyncio.gather(*questions) == [({"name": "ANN"},)] * 5
    assert source.asked == ["ann"]


async def test_what_is_learnt_too_late_helps_the_next_mail() -> None:
    source = Customers(gate=asyncio.Event())
    asking = inquiry(source, Clock())
    question = asyncio.create_task(asking.ask({"sender": "ann"}))
    await asyncio.sleep(0)
    question.cancel()
    await asyncio.gather(question, return_exceptions=True)
    assert source.gate is not None
    source.gate.set()
    assert await asking.ask({"sender": "ann"}) == ({"name": "ANN"},)
    assert source.asked == ["ann"]


async def test_no_answer_in_time_is_away() -> None:
    asking = inquiry(Customers(gate=asyncio.Event()), Clock(), timeout=0.01)
    with pytest.raises(SourceAway, match=r"no answer within 0\.01 s"):
        await asking.ask({"sender": "ann"})


async def test_a_source_that_fails_again_and_again_rests(caplog: pytest.LogCaptureFixture) -> None:
    source, clock = Customers(failure=SourceAway("refused")), Clock()
    asking = inquiry(source, clock)
    for _ in range(STRIKES):
        with pytest.raises(SourceAway, match="refused"):
            await asking.ask({"sender": "ann"})
    with pytest.raises(SourceAway, match="rests"):
        await asking.ask({"sender": "ann"})
    assert len(source.asked) == STRIKES
    clock.now += REST
    source.failure = None
    with caplog.at_level("INFO"):
        assert await asking.ask({"sender": "ann"}) == ({"name": "ANN"},)
    said = [record.getMessage() for record in caplog.records]
    assert said == ["source=crm away='refused'", "source=crm is back"]


@pytest.mark.parametrize("sender", ["", "a\nb", "a\0b", "x" * 321])
async def test_what_nobody_is_called_is_not_asked(sender: str) -> None:
    source = Customers()
    assert await inquiry(source, Clock()).ask({"sender": sender}) == ()
    assert source.asked == []


async def test_closing_ends_what_is_under_way() -> None:
    source = Customers(gate=asyncio.Event())
    asking = inquiry(source, Clock())
    question = asyncio.create_task(asking.ask({"sender": "ann"}))
    await asyncio.sleep(0)
    await asking.close()
    assert source.is_closed
    with pytest.raises(asyncio.CancelledError):
        await question
