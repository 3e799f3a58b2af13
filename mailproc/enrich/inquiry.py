"""Ask a source within its time, remember the answer for a while, and leave alone what is down.

A question that is under way is asked once, however many mails wait for it.  Who gives up does not end it:
what is learnt too late helps the next mail.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping

from mailproc.enrich.source import Record, Source, SourceAway
from mailproc.pipeline.breaker import Breaker

log = logging.getLogger("mailproc.enrich")

MOST_KEPT = 10_000  # answers
LONGEST_QUESTION = 320  # characters: an address cannot be longer (RFC 3696, erratum 1690)

Answer = tuple[Record, ...]
Question = tuple[str, ...]


class Inquiry:
    """One source, ``needs`` being what must be known of a mail to ask it."""

    def __init__(
        self,
        name: str,
        source: Source,
        needs: frozenset[str],
        *,
        timeout: float,
        cache: float,
        monotonic: Callable[[], float],
    ) -> None:
        self.name = name
        self.needs = needs
        self._source = source
        self._timeout = timeout
        self._cache = cache
        self._monotonic = monotonic
        self._breaker = Breaker(monotonic)
        self._known: OrderedDict[Question, tuple[float, Answer]] = OrderedDict()
        self._under_way: dict[Question, asyncio.Task[Answer]] = {}
        self._is_away = False

    async def ask(self, values: Mapping[str, str]) -> Answer:
        """The records; none where the mail does not bring what is needed.  SourceAway."""
        question = tuple(values.get(name, "") for name in sorted(self.needs))
        if not all(map(_can_be_asked, question)):
            return ()
        until, answer = self._known.get(question, (float("-inf"), ()))
        if until > self._monotonic():
            return answer
        return await asyncio.shield(self._question(question))

    async def close(self) -> None:
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        await self._source.close()

    def _question(self, question: Question) -> asyncio.Task[Answer]:
        if question not in self._under_way:
            self._under_way[question] = task = asyncio.create_task(self._put(question))
            task.add_done_callback(lambda _: self._done(question, task))
        return self._under_way[question]

    def _done(self, question: Question, task: asyncio.Task[Answer]) -> None:
        self._under_way.pop(question, None)
        if not task.cancelled():
            task.exception()  # nobody may be waiting for it any more

    async def _put(self, question: Question) -> Answer:
        if self._breaker.is_open:
            raise SourceAway("rests after failures")
        try:
            async with asyncio.timeout(self._timeout):
                answer = tuple(await self._source.ask(dict(zip(sorted(self.needs), question, strict=True))))
        except TimeoutError:
            self._failed(reason := f"no answer within {self._timeout:g} s")
            raise SourceAway(reason) from None
        except SourceAway as away:
            self._failed(str(away))
            raise
        self._answered()
        self._keep(question, answer)
        return answer

    def _failed(self, reason: str) -> None:
        self._breaker.timed_out()
        if not self._is_away:
            log.warning("source=%s away=%r", self.name, reason)
        self._is_away = True

    def _answered(self) -> None:
        self._breaker.answered()
        if self._is_away:
            log.info("source=%s is back", self.name)
        self._is_away = False

    def _keep(self, question: Question, answer: Answer) -> None:
        if not self._cache:
            return
        self._known[question] = (self._monotonic() + self._cache, answer)
        self._known.move_to_end(question)
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)


def _can_be_asked(value: str) -> bool:
    """No source can know what no person could have entered there."""
    return 0 < len(value) <= LONGEST_QUESTION and value.isprintable()
