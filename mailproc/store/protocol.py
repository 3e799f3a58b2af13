"""What the rest of mailproc sees of the store: a transaction is one function on the store's thread.

``await store.write(work)`` runs ``work(transaction)`` inside a transaction and returns its result when
the commit is on disk.  ``work`` is plain synchronous code: nothing can be cancelled between BEGIN and
COMMIT, and several callers share one commit.  ``work`` may run again after a serialisation failure and
must change nothing but the transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from mailproc.store.connection import BucketAway, StoreBusy, StoreDamaged, StoreError, StoreFull
from mailproc.store.transaction import Transaction

__all__ = ["BucketAway", "Store", "StoreBusy", "StoreDamaged", "StoreError", "StoreFull", "Transaction"]

T = TypeVar("T")


class Store(Protocol):
    """The embedded SQLite store, or PostgreSQL."""

    async def read(self, work: Callable[[Transaction], T]) -> T: ...

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Nobody else writes meanwhile but by ``write_beside``: what ``work`` finds stays so until it is
        committed."""
        ...

    async def write_beside(self, work: Callable[[Transaction], T]) -> T:
        """Waits for nobody: for work that is right whatever others write meanwhile, as it adds rows that
        have keys of their own, or claims."""
        ...

    async def listen(self, wake: Callable[[], None]) -> None:
        """Until cancelled, ``wake`` within a moment when another process may have left something to do."""
        ...

    async def close(self) -> None: ...
