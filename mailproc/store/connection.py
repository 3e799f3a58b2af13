"""A database connection inside a transaction, and how the store fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
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


class BucketAway(StoreError):
    """A mail lies in the bucket, which is not to be reached or does not give it: later, perhaps."""


class MailElsewhere(BucketAway):
    """A mail that work asked for lies in the bucket; who has one fetches it and begins the work again."""

    def __init__(self, sha256: bytes, size: int) -> None:
        super().__init__(f"the mail {sha256.hex()} lies in a bucket, and there is no [bucket] here")
        self.sha256 = sha256
        self.size = size


class Dialect(Enum):
    """Whose SQL a connection speaks, where the two differ: full text, and how claims are made."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"

    @property
    def skip_locked(self) -> str:
        """What ends the SELECT of a claim, so that two who claim at once take different rows.

        SQLite has one writer at a time.
        """
        return "FOR UPDATE SKIP LOCKED" if self is Dialect.POSTGRESQL else ""


class Connection(Protocol):
    """One SQL text for both databases, with ``:name`` parameters."""

    @property
    def dialect(self) -> Dialect: ...

    def one(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> Row | None: ...

    def all(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> list[Row]: ...

    def run(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> int:
        """Execute and return the number of rows changed."""
        ...

    def do(self, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS) -> None:
        """Execute where nobody asks how many rows that changed.

        Like ``run_many``, it may go to the server with the next statement whose answer somebody needs, or at
        the commit, and fail only then.
        """
        ...

    def insert(self, sql: str, parameters: Mapping[str, object]) -> int | None:
        """Execute an INSERT of one row; its ``id``, or None where ON CONFLICT DO NOTHING left it out.

        The statement has no RETURNING: SQLite tells the id without, for which it would keep the pages as they
        were.
        """
        ...

    def run_many(self, sql: str, rows: Iterable[Mapping[str, object]]) -> None: ...


def listed_parameters(prefix: str, values: Iterable[object]) -> tuple[str, dict[str, object]]:
    """Placeholders for IN (…), which neither database fills from a sequence, and their parameters.

    Of no values it is NULL, which nothing is equal to: PostgreSQL refuses an empty list.
    """
    parameters = {f"{prefix}{place}": value for place, value in enumerate(values)}
    return ", ".join(f":{name}" for name in parameters) or "NULL", parameters
