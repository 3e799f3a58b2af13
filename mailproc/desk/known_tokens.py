"""The spam classifier's counts in a worker's memory, right also when another process trains.

A question to the store for each of a mail's tokens would cost more than everything else that the chain does.
The first mails ask it; after that all counts are read at once, up to ``most``.  Before each mail the number
of the last change is looked at, and the tokens that were trained since are asked for again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from mailproc.model.bayes import Counts, Lexicon
from mailproc.store.protocol import Store, Transaction
from mailproc.store.tokens import EVERY_MAIL

MOST = 300_000  # tokens in memory, of some 110 bytes
ASK = 5  # mails for which the store is asked: a command that scores a few needs no cache

UNSEEN = (0, 0)


@dataclass(slots=True)
class KnownTokens:
    """Counts for the classifier (``mailproc.stage.Tokens``)."""

    store: Store
    most: int = MOST
    ask: int = ASK
    _asked: int = field(default=0, init=False)
    _change: int = field(default=-1, init=False)  # that the memory knows of
    _known: Lexicon = field(default_factory=Lexicon, init=False)
    _stale: set[str] = field(default_factory=set, init=False)  # to be asked for again
    _complete: bool = field(default=False, init=False)  # what is not in _known, the store has not either

    async def totals(self) -> Counts:
        """How many mails were learnt as spam, and as ham."""
        await self._catch_up()
        await self._learn((EVERY_MAIL,))
        return self._known.counts((EVERY_MAIL,)).get(EVERY_MAIL, UNSEEN)

    async def lexicon(self, words: frozenset[str]) -> Lexicon:
        """One that knows of these tokens what the store does; ``totals`` is to be asked before."""
        self._asked += 1
        await self._learn(words)
        return self._known

    async def counts(self, words: frozenset[str]) -> dict[str, Counts]:
        """For each known token, in how many spam and ham mails it stood; ``totals`` is to be asked before."""
        return (await self.lexicon(words)).counts(words)

    async def _learn(self, words: Collection[str]) -> None:
        """Ask the store for what is missing in memory."""
        if missing := self._missing(words):
            before = self._change
            found = await self.store.read(lambda tx: tx.tokens.counts(missing))
            self._known.learn({word: found.get(word, UNSEEN) for word in missing})
            if self._change == before:  # else what was read may be older than what is known to have changed
                self._stale.difference_update(missing)

    def _missing(self, words: Iterable[str]) -> set[str]:
        if self._complete:
            return self._stale.intersection(words) if self._stale else set()
        return {word for word in words if word not in self._known or word in self._stale}

    async def _catch_up(self) -> None:
        """Learn what was trained since the last mail."""
        await self.store.read(self._read_changes)

    def _read_changes(self, tx: Transaction) -> None:
        last = tx.tokens.last_change()
        if self._asked == self.ask or len(self._known) > 2 * self.most:
            self._load(tx, last)
        elif last != self._change:
            changed = tx.tokens.changed_since(self._change) if self._change >= 0 else set()
            if changed is None:
                self._load(tx, last)
            else:
                self._stale |= changed
                self._change = last

    def _load(self, tx: Transaction, last: int) -> None:
        counts, self._complete = tx.tokens.all_counts(self.most)
        self._known = Lexicon.of_many(counts)
        self._stale.clear()
        self._change = last
        self._asked += 1
