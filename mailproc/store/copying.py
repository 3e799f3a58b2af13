"""A whole store from one database into another: SQLite to PostgreSQL, and back.

Every row of every table goes over in the order of its key, in one transaction, at whose end counts are
compared, and each mail's octets with the digest that is its key; those that lie in a bucket stay there.  What
others make anew is left behind: the full-text index, leases and claims.  Nobody may write to the source
meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from mailproc.store.codec import ELSEWHERE, unpack
from mailproc.store.connection import Connection, Row, StoreBusy, StoreDamaged, StoreError

AT_ONCE = 1_000  # rows

# Who copies brings these into being, or they are of no use elsewhere.
LEFT_BEHIND = frozenset(
    {"schema_version", "commit_mark", "lease", "search_text", "search_entry", "search_mark"}
)
_FIRST_ROWS = frozenset({"summary_mark"})  # may be in a store in which nothing ever was


class NotEmpty(StoreError):
    """The target holds something already."""


@dataclass(frozen=True, slots=True)
class Table:
    """``key`` are the columns by which rows are ordered; ``counts`` where ids are given by the database."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    counts: bool


class End(Protocol):
    """One of the two databases, in a transaction of its own."""

    @property
    def connection(self) -> Connection: ...

    def tables(self) -> dict[str, Table]:
        """All that there are, by name."""
        ...

    def rows(self, sql: str) -> Iterator[Row]:
        """The rows of a query, however many, a few at a time."""
        ...

    def fill(self, table: Table, rows: Iterable[Row]) -> None: ...

    def count_on(self, table: Table) -> None:
        """The next id is one that no row has."""
        ...

    def commit(self) -> None: ...


Ends = AbstractContextManager[End]
Progress = Callable[[str, int], None]


def copy(source: End, target: End, now: float, progress: Progress) -> dict[str, int]:
    """Copy all rows and commit; how many rows each table has.  ``progress`` gets each table as it is done.

    StoreBusy where a daemon uses the source, NotEmpty for a target that holds anything, StoreDamaged where
    the copy is not what it should be: then the target stays as it was.
    """
    ours, theirs = source.tables(), target.tables()
    names = [name for name in ours if name not in LEFT_BEHIND]
    if missing := set(names) ^ {name for name in theirs if name not in LEFT_BEHIND}:
        raise StoreError(f"the two schemas differ: {', '.join(sorted(missing))}")
    _refuse_used(source, now)
    for name in names:
        if name not in _FIRST_ROWS and _count(target, name):
            raise NotEmpty(f"the target is not empty: table {name}")
    counts = {}
    for name in names:
        target.connection.run(f"DELETE FROM {name}")
        table = theirs[name]
        target.fill(table, source.rows(_select(table)))
        if table.counts:
            target.count_on(table)
        counts[name] = _count(target, name)
        if counts[name] != _count(source, name):
            raise StoreDamaged(f"table {name} has {counts[name]} rows, not {_count(source, name)}")
        progress(name, counts[name])
    for claimed in ("delivery", "outbox"):
        target.connection.run(f"UPDATE {claimed} SET lease = 0 WHERE lease > 0 AND state = 'waiting'")
    _verify_mails(target)
    target.commit()
    return counts


def _refuse_used(source: End, now: float) -> None:
    """Workers on PostgreSQL say that they are there; a SQLite file is locked by who serves it."""
    if source.connection.one("SELECT 1 FROM lease WHERE expires > :now LIMIT 1", {"now": now}):
        raise StoreBusy("a daemon uses the source, or did a minute ago: stop all of them first")


def _select(table: Table) -> str:
    return f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY {', '.join(table.key)}"


def _count(end: End, name: str) -> int:
    row = end.connection.one(f"SELECT count(*) FROM {name}")
    return int(row[0]) if row else 0


def _verify_mails(target: End) -> None:
    for sha256, size, codec, content in target.rows("SELECT sha256, size, codec, content FROM raw_mail"):
        if codec == ELSEWHERE:
            continue
        try:
            is_whole = hashlib.sha256(unpack(codec, content, size)).digest() == sha256
        except ValueError:
            is_whole = False
        if not is_whole:
            raise StoreDamaged(f"the mail {sha256.hex()} is not what it was")
