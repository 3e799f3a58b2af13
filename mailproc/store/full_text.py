"""The two full-text indexes: FTS5 of SQLite, and a ``tsvector`` for each message on PostgreSQL.

Both hold the same words, which model/folding.py has made: neither database folds, stems or drops any.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from mailproc.model.folding import words
from mailproc.model.search import Field, Term
from mailproc.store.connection import Connection, Dialect


@dataclass(frozen=True, slots=True)
class Entry:
    """What of a message is searched, folded (model/folding.py)."""

    message: int
    subject: str
    sender: str
    recipient: str
    body: str


class FullText(Protocol):
    """Statements on ``search_text`` in the dialect of one database."""

    def matching(self, name: str) -> str:
        """A SELECT of the tickets with a message that matches the parameter ``name``."""
        ...

    def match(self, term: Term) -> str:
        """A term in the database's own language of queries."""
        ...

    def add(self, connection: Connection, entries: Sequence[Entry]) -> None: ...

    def clear(self, connection: Connection) -> None: ...


_COLUMNS = {Field.SUBJECT: "subject", Field.FROM: "sender", Field.TO: "recipient"}


class Fts5:
    """SQLite: the index keeps no text, and its row is the message's."""

    def matching(self, name: str) -> str:
        return f"""
            SELECT search_entry.ticket
            FROM search_text JOIN search_entry ON search_entry.message = search_text.rowid
            WHERE search_text MATCH :{name}
        """

    def match(self, term: Term) -> str:
        """Folded words need no escape in quotes."""
        star = " *" if term.is_prefix else ""
        either = " OR ".join(f'"{spelling}"{star}' for spelling in term.spellings)
        column = _COLUMNS.get(term.field)
        return f"{{{column}}} : ({either})" if column else either

    def add(self, connection: Connection, entries: Sequence[Entry]) -> None:
        connection.run_many(
            """
            INSERT INTO search_text (rowid, subject, sender, recipient, body)
            VALUES (:message, :subject, :sender, :recipient, :body)
            """,
            [
                {
                    "message": entry.message,
                    "subject": entry.subject,
                    "sender": entry.sender,
                    "recipient": entry.recipient,
                    "body": entry.body,
                }
                for entry in entries
            ],
        )

    def clear(self, connection: Connection) -> None:
        connection.run("INSERT INTO search_text (search_text) VALUES ('delete-all')")


_WEIGHTS = {Field.SUBJECT: "A", Field.FROM: "B", Field.TO: "C"}
_BODY = "D"
_LONGEST = 500  # characters of a word, which may have 2,046 octets
_LAST = 16_383  # place that a tsvector tells from others


class Tsvector:
    """PostgreSQL.  A word's first 256 places count, and those up to ``_LAST``: further on no phrase is found.
    Longer words are cut."""

    def matching(self, name: str) -> str:
        return f"""
            SELECT search_entry.ticket
            FROM search_text JOIN search_entry ON search_entry.message = search_text.message
            WHERE search_text.entry @@ CAST(:{name} AS tsquery)
        """

    def match(self, term: Term) -> str:
        return " | ".join(f"({self._phrase(spelling, term)})" for spelling in term.spellings)

    def _phrase(self, spelling: str, term: Term) -> str:
        weight = _WEIGHTS.get(term.field, "")
        found = [self._word(word) + (f":{weight}" if weight else "") for word in words(spelling)]
        if term.is_prefix:
            found[-1] += "*" if weight else ":*"
        return " <-> ".join(found)

    def _word(self, word: str) -> str:
        """Letters and digits only: nothing to escape."""
        return f"'{word[:_LONGEST]}'"

    def add(self, connection: Connection, entries: Sequence[Entry]) -> None:
        connection.run_many(
            "INSERT INTO search_text (message, entry) VALUES (:message, CAST(:entry AS tsvector))",
            [{"message": entry.message, "entry": " ".join(self._lexemes(entry))} for entry in entries],
        )

    def _lexemes(self, entry: Entry) -> Iterator[str]:
        """Each word with its place and weight; between two parts a place is free, so that no phrase spans
        them."""
        places = itertools.count(1)
        parts = (entry.subject, entry.sender, entry.recipient, entry.body)
        for text, weight in zip(parts, (*_WEIGHTS.values(), _BODY), strict=True):
            for word in words(text):
                yield f"{self._word(word)}:{min(next(places), _LAST)}{weight}"
            next(places)

    def clear(self, connection: Connection) -> None:
        connection.run("DELETE FROM search_text")


FULL_TEXT: dict[Dialect, FullText] = {Dialect.SQLITE: Fts5(), Dialect.POSTGRESQL: Tsvector()}
