"""A store that does what it is asked, and then says that it does not know."""

from __future__ import annotations

from typing import TypeVar

from mailproc.store.connection import StoreBusy
from mailproc.store.job import Work
from mailproc.store.sqlite import SqliteStore

T = TypeVar("T")


class SilentStore(SqliteStore):
    """``lost`` says of the next writes whether their answer is lost; after them every one is heard."""

    lost: tuple[bool, ...] = ()

    async def write(self, work: Work[T]) -> T:
        return self._answer(await super().write(work))

    async def write_beside(self, work: Work[T]) -> T:
        return self._answer(await super().write_beside(work))

    def _answer(self, result: T) -> T:
        is_lost, self.lost = any(self.lost[:1]), self.lost[1:]
        if not is_lost:
            return result
        raise StoreBusy("it is not known whether the last transaction came true")
