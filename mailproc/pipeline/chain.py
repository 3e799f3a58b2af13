"""A desk's stages in their order, and what happens to a mail in them.

A stage has a time limit, and may fail: then its ``on_error`` decides whether the mail goes on with the tag
``STAGE-failed`` or comes back later.  A stage that timed out five times in a row rests for a minute.  This
is the one place of the pipeline that catches everything; the cause goes to the log, its class to the notes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mailproc.model.option import fields_of
from mailproc.pipeline.breaker import Breaker
from mailproc.pipeline.delivery import FAILED, SKIPPED, Delivery, StageResult
from mailproc.pipeline.verdict import CONTINUE, Course, OnError, Verdict
from mailproc.pipeline.when import Condition, Scores
from mailproc.stage import LookUps, Stage

log = logging.getLogger("mailproc.pipeline")

DEFAULT_TIMEOUT = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Step:
    """One stage at its place in a chain; ``file`` is where its filter lies."""

    name: str
    stage: Stage
    file: Path
    when: Condition | None = None
    timeout: float = DEFAULT_TIMEOUT
    on_error: OnError = OnError.CONTINUE
    scores: Scores = None  # what it is known to publish

    @property
    def options(self) -> dict[str, object]:
        """The filter's own options, defaults included."""
        return {option: getattr(self.stage, option) for option in fields_of(type(self.stage))}


class CannotOpen(Exception):
    """A stage could not be opened; the text names it."""


class _Resting(Exception):
    """The stage's circuit breaker is open."""


class _Begun:
    """The rest of a coroutine that waits for something for the first time."""

    __slots__ = ("_awaited", "_work")

    def __init__(self, work: Coroutine[Any, Any, Verdict], awaited: object) -> None:
        self._work = work
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Verdict]:
        awaited = self._awaited
        while True:
            try:
                sent = yield awaited
            except BaseException as error:  # a cancellation is the coroutine's to see
                go_on = partial(self._work.throw, error)
            else:
                go_on = partial(self._work.send, sent)
            try:
                awaited = go_on()
            except StopIteration as done:
                verdict: Verdict = done.value
                return verdict


class Chain:
    """The stages of one desk."""

    def __init__(self, steps: Sequence[Step], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.steps = tuple(steps)
        self.others: Mapping[str, Chain] = {}  # by name: where a mail may be sent on to
        self._monotonic = monotonic
        self._breakers = {step.name: Breaker(monotonic) for step in self.steps}

    async def open(self, look_ups: LookUps) -> None:
        """Open each stage in order; when one cannot, close those before it and raise CannotOpen."""
        look_ups = replace(look_ups, stages={step.name: step.scores for step in self.steps})
        for number, step in enumerate(self.steps):
            try:
                await step.stage.open(look_ups)
            except Exception as error:
                await Chain(self.steps[:number]).close()
                raise CannotOpen(f"stage {step.name}: {type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Close each stage, the last first; what one raises is logged."""
        for step in reversed(self.steps):
            try:
                await step.stage.close()
            except Exception as error:
                log.warning("stage=%s close=%s: %r", step.name, type(error).__name__, str(error))

    async def run(self, delivery: Delivery, between: Callable[[], Awaitable[None]] | None = None) -> Verdict:
        """Pass a mail through the stages; the first verdict that is not CONTINUE ends it.

        ``between`` is awaited between two stages, as a mail keeps the event loop for milliseconds otherwise.
        Where a stage names another chain, the mail goes on there, past the stages that it has seen: so it
        sees each stage once, and no two chains can send it to and fro.
        """
        chain, waiting, seen = self, deque(self.steps), set[str]()
        while waiting:
            step = waiting.popleft()
            if seen and between is not None:
                await between()
            seen.add(step.name)
            verdict = await chain._pass(step, delivery)
            if verdict.course is not Course.CONTINUE:
                return verdict
            if delivery.chain:
                chain = self.others[delivery.chain]
                waiting = deque(each for each in chain.steps if each.name not in seen)
                delivery.chain = ""
        return CONTINUE

    async def again(self, stage: str, delivery: Delivery) -> StageResult | None:
        """Show one stage, of this chain or one that goes on from it, a mail that it had postponed.

        None where there is no such stage any more.
        """
        for chain in (self, *self.others.values()):
            for step in chain.steps:
                if step.name == stage:
                    await chain._pass(replace(step, when=None), delivery)
                    return delivery.results[-1]
        return None

    async def _pass(self, step: Step, delivery: Delivery) -> Verdict:
        result = delivery.begin(step.name)
        started = self._monotonic()
        try:
            if step.when is not None and not step.when.holds(delivery):
                result.verdict = SKIPPED
                return CONTINUE
            verdict = await self._within_time(step, delivery, started)
            if not isinstance(verdict, Verdict):
                raise TypeError(f"process returned {type(verdict).__name__}, no Verdict")
        except _Resting:
            result.verdict = SKIPPED
            return self._without(step, delivery, "rests after time-outs")
        except Exception as error:
            result.verdict = FAILED
            result.notes["error"] = type(error).__name__
            _report(step, delivery, error)
            return self._without(step, delivery, type(error).__name__)
        finally:
            result.milliseconds = (self._monotonic() - started) * 1000
        result.verdict = verdict.course.value
        return verdict

    async def _within_time(self, step: Step, delivery: Delivery, started: float) -> Verdict:
        breaker = self._breakers[step.name]
        if breaker.is_open:
            raise _Resting
        work = step.stage.process(delivery)
        try:
            awaited = work.send(None)
            if awaited is None:  # it only lets others go first
                try:
                    await asyncio.sleep(0)
                except BaseException as error:  # a cancellation is the stage's to see
                    awaited = work.throw(error)
                else:
                    awaited = work.send(None)
        except StopIteration as done:  # most stages wait for nothing else, and need no timer
            verdict: Verdict = done.value
        else:
            verdict = await self._rest_within_time(step, _Begun(work, awaited))
        # A stage that blocks the loop cannot be interrupted, but it can be left out.
        if self._monotonic() - started > step.timeout:
            breaker.timed_out()
        else:
            breaker.answered()
        return verdict

    async def _rest_within_time(self, step: Step, work: _Begun) -> Verdict:
        try:
            async with asyncio.timeout(step.timeout) as scope:
                return await work
        except TimeoutError:
            if scope.expired():
                self._breakers[step.name].timed_out()
                raise TimeoutError(f"no verdict within {step.timeout:g} s") from None
            raise

    def _without(self, step: Step, delivery: Delivery, why: str) -> Verdict:
        """Go on without what the stage would have said, or not."""
        delivery.add_tag(f"{step.name}-failed")
        if step.on_error is OnError.DEFER:
            return Verdict(Course.DEFER, f"stage {step.name}: {why}")
        return CONTINUE


def _report(step: Step, delivery: Delivery, error: Exception) -> None:
    key = delivery.envelope.delivery_key(delivery.raw).hex()[:12]
    log.warning(
        "key=%s desk=%s stage=%s on_error=%s error=%s: %r",
        *(key, delivery.desk.name, step.name, step.on_error.value, type(error).__name__, str(error)),
        exc_info=log.isEnabledFor(logging.DEBUG),
    )
