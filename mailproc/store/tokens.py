"""Counts for the spam classifier: in how many spam and ham mails each token stood.

The empty token stands in every mail, so its counts are the numbers of mails learnt. What was learnt of each
mail is kept with its tokens: it can be taken back exactly, and all counts can be made again from it. Every
change is logged with its tokens, so that who keeps counts in memory knows which ones to ask for again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailproc.store.codec import pack, unpack
from mailproc.store.connection import Connection

EVERY_MAIL = ""
KEPT_CHANGES = 1_000
_AT_ONCE = 256  # tokens in one question


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was learnt of a mail: as ``label`` ("spam", "ham"); no agent said so but the command line: ''."""

    sha256: bytes
    label: str
    agent: str
    at: float


class Tokens:
    """The ``token``, ``trained`` and ``token_change`` tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def totals(self) -> tuple[int, int]:
        """How many mails were learnt as spam, and as ham."""
        return self.counts({EVERY_MAIL}).get(EVERY_MAIL, (0, 0))

    def counts(self, words: Iterable[str]) -> dict[str, tuple[int, int]]:
        """(spam, ham) for each token that is known; the others are left out."""
        found: dict[str, tuple[int, int]] = {}
        for batch in _batches(sorted(words)):
            names = ", ".join(f":w{position}" for position in range(len(batch)))
            rows = self._connection.all(
                f"SELECT word, spam, ham FROM token WHERE word IN ({names})",
                {f"w{position}": word for position, word in enumerate(batch)},
            )
            found.update((word, (spam, ham)) for word, spam, ham in rows)
        return found

    def all_counts(self, most: int) -> tuple[dict[str, tuple[int, int]], bool]:
        """All counts and True; of more than ``most`` some that stood in several mails, and False."""
        rows = self._connection.all("SELECT word, spam, ham FROM token LIMIT :most", {"most": most + 1})
        complete = len(rows) <= most
        if not complete:
            rows = self._connection.all(
                "SELECT word, spam, ham FROM token WHERE spam + ham > 1 LIMIT :most", {"most": most}
            )
        return {word: (spam, ham) for word, spam, ham in rows}, complete

    def add(self, words: Iterable[str], *, spam: int, ham: int) -> None:
        """Count one more mail (or several) with these tokens."""
        self._connection.run_many(
            """INSERT INTO token (word, spam, ham)
               VALUES (:word, :spam, :ham)
               ON CONFLICT (word) DO UPDATE
               SET spam = token.spam + excluded.spam, ham = token.ham + excluded.ham""",
            ({"word": word, "spam": spam, "ham": ham} for word in _with_total(words)),
        )
        self._log(words)

    def take_back(self, words: Iterable[str], *, spam: int, ham: int) -> None:
        """The reverse of ``add``; never below zero, and a token that nothing holds is forgotten."""
        taken = _with_total(words)
        self._connection.run_many(
            """UPDATE token
               SET spam = CASE WHEN spam > :spam THEN spam - :spam ELSE 0 END,
                   ham = CASE WHEN ham > :ham THEN ham - :ham ELSE 0 END
               WHERE word = :word""",
            ({"word": word, "spam": spam, "ham": ham} for word in taken),
        )
        self._connection.run_many(
            "DELETE FROM token WHERE word = :word AND spam = 0 AND ham = 0",
            ({"word": word} for word in taken),
        )
        self._log(words)

    def _log(self, words: Iterable[str]) -> None:
        """Number this change; the empty token's row is locked by now, so numbers go as the commits do."""
        row = self._connection.one("SELECT max(change) FROM token_change")
        change = (row[0] or 0) + 1 if row else 1
        self._connection.run(
            """INSERT INTO token_change (change, codec, size, tokens)
               VALUES (:change, :codec, :size, :tokens)""",
            {"change": change, **_packed(words)},
        )
        self._connection.run("DELETE FROM token_change WHERE change <= :old", {"old": change - KEPT_CHANGES})

    def last_change(self) -> int:
        """The number of the newest change; 0 before the first."""
        row = self._connection.one("SELECT max(change) FROM token_change")
        return int(row[0] or 0) if row else 0

    def changed_since(self, change: int) -> set[str] | None:
        """The tokens whose counts changed since; None where the log does not reach back so far."""
        rows = self._connection.all(
            "SELECT change, codec, size, tokens FROM token_change WHERE change > :change ORDER BY change",
            {"change": change},
        )
        if rows and rows[0][0] != change + 1:
            return None
        return {EVERY_MAIL}.union(*(_unpacked(codec, size, tokens) for _, codec, size, tokens in rows))

    def learnt(self, sha256: bytes) -> tuple[str, frozenset[str]] | None:
        """As what this mail was learnt ("spam", "ham"), and with which tokens; None if never."""
        row = self._connection.one(
            "SELECT label, codec, size, tokens FROM trained WHERE sha256 = :sha256", {"sha256": sha256}
        )
        return None if row is None else (row[0], frozenset(_unpacked(*row[1:])))

    def remember(self, sha256: bytes, label: str, words: Iterable[str], at: float, agent: str = "") -> None:
        """Record that a mail was learnt, so that it can be taken back."""
        self._connection.run(
            """INSERT INTO trained (sha256, label, codec, size, tokens, agent, at)
               VALUES (:sha256, :label, :codec, :size, :tokens, :agent, :at)""",
            {"sha256": sha256, "label": label, "at": at, "agent": agent, **_packed(words)},
        )

    def forget(self, sha256: bytes) -> None:
        self._connection.run("DELETE FROM trained WHERE sha256 = :sha256", {"sha256": sha256})

    def all_learnt(self, agent: str | None = None, since: float = 0.0) -> list[Learnt]:
        """What was learnt, oldest first; of one agent and since a time, if given."""
        rows = self._connection.all(
            """SELECT sha256, label, agent, at FROM trained
               WHERE (:any = 1 OR agent = :agent) AND at >= :since
               ORDER BY at, sha256""",
            {"any": int(agent is None), "agent": agent or "", "since": since},
        )
        return [Learnt(*row) for row in rows]

    def drop_counts(self) -> None:
        """Forget every count, and the log with them: who keeps counts in memory reads all anew."""
        last = self.last_change()
        self._connection.run("DELETE FROM token")
        self._connection.run("DELETE FROM token_change")
        # A gap, which no cache can bridge.
        self._connection.run(
            """INSERT INTO token_change (change, codec, size, tokens)
               VALUES (:change, :codec, :size, :tokens)""",
            {"change": last + 2, **_packed(())},
        )

    def distinct_words(self) -> int:
        """How many tokens are known."""
        row = self._connection.one("SELECT count(*) FROM token WHERE word <> ''")
        return int(row[0]) if row else 0


def _with_total(words: Iterable[str]) -> list[str]:
    # In order, so that two processes that train at once wait for each other and never deadlock.
    return [EVERY_MAIL, *sorted(words)]


def _packed(words: Iterable[str]) -> dict[str, object]:
    plain = json.dumps(sorted(words), ensure_ascii=False, separators=(",", ":")).encode()
    codec, packed = pack(plain)
    return {"codec": codec, "size": len(plain), "tokens": packed}


def _unpacked(codec: int, size: int, tokens: bytes) -> list[str]:
    words: list[str] = json.loads(unpack(codec, tokens, size))
    return words


def _batches(words: list[str]) -> Iterator[list[str]]:
    """Slices of one size where possible, so that the database prepares few statements."""
    for start in range(0, len(words), _AT_ONCE):
        batch = words[start : start + _AT_ONCE]
        if len(words) > _AT_ONCE:
            batch += [batch[-1]] * (_AT_ONCE - len(batch))
        yield batch
