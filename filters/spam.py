"""Score mail by SpamBayes: words that stood in spam and in ham before (see model/bayes.py).

Until enough mails of each kind were learnt (``mailproc spam train``) the verdict is ``unsure`` at 0.5, and
says so.  The stage decides nothing: later stages and the folder read its score.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mailproc.stage import (
    CONTINUE,
    CutOffs,
    Delivery,
    LookUps,
    SpamScore,
    Stage,
    Tokens,
    Verdict,
    judge,
    untrained,
    words_of,
)


@dataclass
class Filter(Stage):
    ham: float = 0.2  # below this score it is ham
    spam: float = 0.9  # from this score on it is spam
    enough: int = 50  # mails of each kind that must be learnt before anything is judged
    _tokens: Tokens = field(init=False, repr=False)

    async def open(self, look_ups: LookUps) -> None:
        if not 0 <= self.ham <= self.spam <= 1:
            raise ValueError("ham must not be above spam, and both are from 0 to 1")
        self._tokens = look_ups.tokens

    async def process(self, delivery: Delivery) -> Verdict:
        delivery.spam = found = await self._score(delivery)
        delivery.score("score", round(found.score, 4))
        delivery.score("verdict", found.verdict.value)
        return CONTINUE

    async def _score(self, delivery: Delivery) -> SpamScore:
        cut_offs = CutOffs(ham=self.ham, spam=self.spam, enough=self.enough)
        totals = await self._tokens.totals()
        if early := untrained(*totals, cut_offs):
            return early
        return judge(totals, await self._tokens.counts(words_of(delivery.mail)), cut_offs)
