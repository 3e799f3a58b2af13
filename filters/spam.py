"""Score mail by SpamBayes: words and other tokens that stood in spam and in ham before (see model/bayes.py).

Until enough mails of each kind were learnt (``mailproc spam train``) the verdict is ``unsure`` at 0.5, and
says so.  What a filter before us said may take part: as tokens among the others, or as the verdict.
The stage decides nothing: later stages and the folder read its score.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mailproc.stage import (
    CONTINUE,
    CutOffs,
    Delivery,
    LookUps,
    SpamScore,
    SpamVerdict,
    Stage,
    Tokens,
    Upstream,
    Verdict,
    mail_tokens,
    read_upstream,
    untrained,
)


@dataclass(frozen=True)
class DeskCutOffs:
    """What one desk has otherwise."""

    ham: float | None = None
    spam: float | None = None


@dataclass
class Filter(Stage):
    ham: float = 0.2  # below this score it is ham
    spam: float = 0.9  # from this score on it is spam
    enough: int = 50  # mails of each kind that must be learnt before anything is judged
    desk: dict[str, DeskCutOffs] = field(default_factory=dict)  # other cut-offs, by desk
    upstream: Literal["ignore", "tokens", "verdict"] = "ignore"  # what a filter before us said
    upstream_hosts: frozenset[str] = frozenset()  # the hosts that it may have said it on
    _tokens: Tokens = field(init=False, repr=False)
    _hosts: frozenset[str] = field(init=False, repr=False)

    async def open(self, look_ups: LookUps) -> None:
        for name in ("", *self.desk):
            self._cut_offs(name)  # ValueError stops the start
        if self.upstream != "ignore" and not self.upstream_hosts:
            raise ValueError("upstream_hosts: anybody can write such headers, name the hosts that may")
        self._hosts = frozenset(host.lower() for host in self.upstream_hosts)
        self._tokens = look_ups.tokens

    def _cut_offs(self, desk: str) -> CutOffs:
        own = self.desk.get(desk, DeskCutOffs())
        return CutOffs(
            ham=self.ham if own.ham is None else own.ham,
            spam=self.spam if own.spam is None else own.spam,
            enough=self.enough,
        )

    async def process(self, delivery: Delivery) -> Verdict:
        delivery.spam = found = self._said_upstream(delivery) or await self._score(delivery)
        delivery.score("score", round(found.score, 4))
        delivery.score("verdict", found.verdict.value)
        return CONTINUE

    def _said_upstream(self, delivery: Delivery) -> SpamScore | None:
        """The verdict of the filter before us; None where it is not asked for or said nothing."""
        if self.upstream != "verdict":
            return None
        said = read_upstream(delivery.mail, self._hosts)
        return None if said is None else _as_ours(said, self._cut_offs(delivery.desk.name))

    async def _score(self, delivery: Delivery) -> SpamScore:
        cut_offs = self._cut_offs(delivery.desk.name)
        totals = await self._tokens.totals()
        if early := untrained(*totals, cut_offs):
            return early
        hosts = self._hosts if self.upstream == "tokens" else frozenset[str]()
        tokens = mail_tokens(delivery.mail, hosts)
        return (await self._tokens.lexicon(tokens)).judge(totals, tokens, cut_offs)


def _as_ours(said: Upstream, cut_offs: CutOffs) -> SpamScore:
    """Spam is spam; ham is sure only where the score is negative, as all filters mean it."""
    clues = (f"upstream score {said.score:g}", *said.rules[:9])
    if said.is_spam:
        return SpamScore(max(cut_offs.spam, 0.99), SpamVerdict.SPAM, clues)
    if said.score < 0:
        return SpamScore(min(cut_offs.ham, 0.01), SpamVerdict.HAM, clues)
    return SpamScore((cut_offs.ham + cut_offs.spam) / 2, SpamVerdict.UNSURE, clues)
