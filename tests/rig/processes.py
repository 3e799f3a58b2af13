"""Which processes a process has started, as the kernel knows it (proc(5))."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def children(pid: int) -> list[int]:
    """The process ids of those that it started itself; none where it has ended."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(pid: int) -> Iterator[int]:
    """Those, and all that they have started."""
    for child in children(pid):
        yield child
        yield from descendants(child)
