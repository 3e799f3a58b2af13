"""A database connection inside a transaction, and how the store fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

Row = tuple[Any, ...]
NO_PARAMETERS: Mapping[str, object] = {}


class StoreError(Exception):
    """The store could not do it now; nothing was written."""


class StoreBusy(StoreError):
    """Locked by another process, or not reachable."""


class StoreFull(StoreError):
    """No space left for the store."""


class StoreDamaged(StoreError):
    """The store's file is not sound; an operator must look."""


class Connection(Protocol):
    """One SQL text for both databases, with ``:name`` parameters."""

    def one(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> Row | None: ...

    def all(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]: ...

    def run(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> int:
        """Execute and return the number of rows changed."""
        ...

    def insert(self, sql: str, parameters: Mapping[str, object]) -> int | None:
        """Execute an INSERT of one row; its id, or None where ON CONFLICT DO NOTHING left it out.

        SQLite tells the id without RETURNING, for which it would keep the pages as they were.
        """
        ...

    def run_many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None: ...


def listed_parameters(prefix: str, values: Iterable[object]) -> tuple[str, dict[str, object]]:
    """Placeholders for IN (…), which neither database fills from a sequence, and their parameters."""
    parameters = {f"{prefix}{place}": value for place, value in enumerate(values)}
    return ", ".join(f":{name}" for name in parameters), parameters
