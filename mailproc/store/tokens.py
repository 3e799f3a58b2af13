"""Counts for the spam classifier: in how many spam and ham mails each word stood.

The empty word stands in every mail, so its counts are the numbers of mails learnt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from mailproc.store.connection import Connection

EVERY_MAIL = ""
_AT_ONCE = 256  # words in one question


class Tokens:
    """The ``token`` and ``trained`` tables."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def totals(self) -> tuple[int, int]:
        """How many mails were learnt as spam, and as ham."""
        return self.counts({EVERY_MAIL}).get(EVERY_MAIL, (0, 0))

    def counts(self, words: Iterable[str]) -> dict[str, tuple[int, int]]:
        """(spam, ham) for each word that is known; the others are left out."""
        found: dict[str, tuple[int, int]] = {}
        for batch in _batches(sorted(words)):
            names = ", ".join(f":w{position}" for position in range(len(batch)))
            rows = self._connection.all(
                f"SELECT word, spam, ham FROM token WHERE word IN ({names})",
                {f"w{position}": word for position, word in enumerate(batch)},
            )
            found.update((word, (spam, ham)) for word, spam, ham in rows)
        return found

    def add(self, words: Iterable[str], *, spam: int, ham: int) -> None:
        """Count one more mail (or several) with these words."""
        self._connection.run_many(
            """INSERT INTO token (word, spam, ham)
               VALUES (:word, :spam, :ham)
               ON CONFLICT (word) DO UPDATE
               SET spam = token.spam + excluded.spam, ham = token.ham + excluded.ham""",
            ({"word": word, "spam": spam, "ham": ham} for word in _with_total(words)),
        )

    def take_back(self, words: Iterable[str], *, spam: int, ham: int) -> None:
        """The reverse of ``add``; never below zero, and a word that nothing holds is forgotten."""
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

    def learnt(self, sha256: bytes) -> tuple[str, frozenset[str]] | None:
        """As what this mail was learnt ("spam", "ham"), and with which words; None if never."""
        row = self._connection.one(
            "SELECT label, words FROM trained WHERE sha256 = :sha256", {"sha256": sha256}
        )
        return None if row is None else (row[0], frozenset(json.loads(row[1])))

    def remember(self, sha256: bytes, label: str, words: Iterable[str], at: float) -> None:
        """Record that a mail was learnt, so that it can be taken back."""
        self._connection.run(
            """INSERT INTO trained (sha256, label, words, at)
               VALUES (:sha256, :label, :words, :at)""",
            {"sha256": sha256, "label": label, "words": _as_json(words), "at": at},
        )

    def forget(self, sha256: bytes) -> None:
        self._connection.run("DELETE FROM trained WHERE sha256 = :sha256", {"sha256": sha256})

    def distinct_words(self) -> int:
        """How many words are known."""
        row = self._connection.one("SELECT count(*) FROM token WHERE word <> ''")
        return int(row[0]) if row else 0


def _with_total(words: Iterable[str]) -> list[str]:
    # In order, so that two processes that train at once wait for each other and never deadlock.
    return [EVERY_MAIL, *sorted(words)]


def _as_json(words: Iterable[str]) -> str:
    return json.dumps(sorted(words), ensure_ascii=False, separators=(",", ":"))


def _batches(words: list[str]) -> Iterator[list[str]]:
    """Slices of one size where possible, so that the database prepares few statements."""
    for start in range(0, len(words), _AT_ONCE):
        batch = words[start : start + _AT_ONCE]
        if len(words) > _AT_ONCE:
            batch += [batch[-1]] * (_AT_ONCE - len(batch))
        yield batch
