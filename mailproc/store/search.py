"""Full-text search: which tickets a query finds, and what the index holds (store/full_text.py).

A term finds a ticket where one of its messages has it, or a message of a ticket
that was merged into it, or one of its tags: so merging, splitting and tagging show at once, and nothing is
indexed again.  A message is in the index soon after it is in the store, not in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.model.folding import fold, words
from mailproc.model.search import Field, Query, Term
from mailproc.model.ticket import Direction
from mailproc.store.connection import Connection, listed_parameters
from mailproc.store.full_text import FULL_TEXT, Entry, FullText

# A step from name to name in the index; DISTINCT would read every row of it.
_TAG_NAMES = """
    WITH RECURSIVE each_name (name) AS (
        SELECT min(name) FROM tag
        UNION ALL
        SELECT (SELECT min(tag.name) FROM tag WHERE tag.name > each_name.name)
        FROM each_name WHERE each_name.name IS NOT NULL
    )
    SELECT name FROM each_name WHERE name IS NOT NULL
"""

# Few tickets are merged: cheaper than asking each ticket that is found.
_MERGED = """
    merged (ticket, target) AS (
        SELECT id, merged_into FROM ticket WHERE merged_into IS NOT NULL
        UNION
        SELECT merged.ticket, further.merged_into
        FROM merged JOIN ticket AS further ON further.id = merged.target
        WHERE further.merged_into IS NOT NULL
    )
"""


@dataclass(frozen=True, slots=True)
class Unindexed:
    """A message that is not in the index yet."""

    id: int
    sha256: bytes
    direction: Direction
    sender: str
    recipients: tuple[str, ...]
    subject: str
    agent: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on ``ticket.id`` with its parameters."""

    sql: str
    parameters: dict[str, object]


class Search:
    """Statements on ``search_text``, ``search_entry`` and ``search_mark``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._index = FULL_TEXT[connection.dialect]

    def conditions(self, query: Query) -> list[Condition]:
        """What a ticket must fulfil to be found; one condition for each term."""
        if query.finds_nothing:
            return [Condition("1 = 0", {})]
        by_tag = any(term.field in (Field.ANYWHERE, Field.TAG) for term in query.terms)
        names = self._tag_names() if by_tag else []
        return [_condition(place, term, names, self._index) for place, term in enumerate(query.terms)]

    def _tag_names(self) -> list[str]:
        return [row[0] for row in self._connection.all(_TAG_NAMES)]

    def mark(self) -> int:
        """The last message that is indexed; 0 before the first."""
        row = self._connection.one("SELECT message FROM search_mark")
        assert row is not None
        mark: int = row[0]
        return mark

    def unindexed(self, limit: int) -> list[Unindexed]:
        """The messages that come next, in their order."""
        rows = self._connection.all(
            """
            SELECT id, sha256, direction, sender, recipients, subject, agent FROM message
            WHERE id > (SELECT message FROM search_mark) ORDER BY id LIMIT :limit
            """,
            {"limit": limit},
        )
        return [
            Unindexed(identity, sha256, Direction(direction), sender, tuple(json.loads(recipients)), *others)
            for identity, sha256, direction, sender, recipients, *others in rows
        ]

    def count_unindexed(self) -> int:
        row = self._connection.one(
            "SELECT count(*) FROM message WHERE id > (SELECT message FROM search_mark)"
        )
        return row[0] if row else 0

    def add(self, entries: Sequence[Entry], mark: int) -> bool:
        """Index the messages that follow ``mark``; False, and nothing done, where somebody else did."""
        moved = self._connection.run(
            "UPDATE search_mark SET message = :last WHERE message = :mark",
            {"last": entries[-1].message, "mark": mark},
        )
        if not moved:
            return False
        self._index.add(self._connection, entries)
        self._connection.run(
            """
            INSERT INTO search_entry (message, ticket)
            SELECT id, ticket FROM message WHERE id > :mark AND id <= :last
            """,
            {"mark": mark, "last": entries[-1].message},
        )
        return True

    def clear(self) -> None:
        """Forget everything: whoever indexes begins anew."""
        self._index.clear(self._connection)
        self._connection.run("DELETE FROM search_entry")
        self._connection.run("UPDATE search_mark SET message = 0")


def _condition(place: int, term: Term, tag_names: Sequence[str], index: FullText) -> Condition:
    sources: list[str] = []
    parameters: dict[str, object] = {}
    if term.field is not Field.TAG:
        sources.append(index.matching(f"match{place}"))
        parameters[f"match{place}"] = index.match(term)
    if tags := _fitting(term, tag_names):
        listed, named = listed_parameters(f"tag{place}_", tags)
        sources.append(f"SELECT ticket FROM tag WHERE name IN ({listed})")
        parameters |= named
    if term.number:
        sources.append(f"SELECT id FROM ticket WHERE number = :number{place}")
        parameters[f"number{place}"] = term.number
    if not sources:
        return Condition("1 = 1" if term.is_excluded else "1 = 0", {})
    found = (
        " UNION ".join(sources) if len(sources) > 1 else f"SELECT DISTINCT ticket FROM ({sources[0]}) AS one"
    )
    negated = "NOT" if term.is_excluded else ""
    return Condition(
        f"""ticket.id {negated} IN (
            WITH RECURSIVE {_MERGED}, found (ticket) AS MATERIALIZED ({found})
            SELECT ticket FROM found
            UNION ALL
            SELECT merged.target FROM merged WHERE merged.ticket IN (SELECT ticket FROM found)
        )""",
        parameters,
    )


def _fitting(term: Term, tag_names: Sequence[str]) -> list[str]:
    """The tags in which the term's words stand one after the other."""
    if term.field not in (Field.ANYWHERE, Field.TAG):
        return []
    wanted = [f" {spelling}" if term.is_prefix else f" {spelling} " for spelling in term.spellings]
    padded = ((name, f" {' '.join(words(fold(name)))} ") for name in tag_names)
    return [name for name, held in padded if any(each in held for each in wanted)]
