"""How many clients wait for the reply to a mail, over all workers of this machine.

Intake goes first: who hands mail over waits, and what is accepted can wait.  Workers share one page of
memory in which each writes its own count; the page is made before they are forked.
"""

from __future__ import annotations

import mmap

MOST = 255  # one octet for each worker


class Pressure:
    """One worker's view of the page."""

    def __init__(self, page: mmap.mmap | None = None, slot: int = 0) -> None:
        self._page = page if page is not None else shared_page()
        self._slot = slot
        self._waiting = 0
        self._write()  # a worker that died may have left its count

    def __enter__(self) -> None:
        self._waiting += 1
        self._write()

    def __exit__(self, *_: object) -> None:
        self._waiting -= 1
        self._write()

    @property
    def total(self) -> int:
        return sum(self._page[:])

    def _write(self) -> None:
        self._page[self._slot] = min(self._waiting, MOST)


def shared_page(workers: int = 1) -> mmap.mmap:
    """Memory that forked processes share."""
    return mmap.mmap(-1, workers)
