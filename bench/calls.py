"""What a mail costs in counts that no machine's speed changes: Python calls and SQL statements.

Takes mails in, judges and files them in one process, as a worker does, with the chain automatic, ticket,
acknowledge, and counts what the interpreter calls meanwhile, and the statements among that.  A test holds
the counts against limits (tests/unit/desk/test_cost.py), so that the hot path does not grow unseen.

    python -m bench.calls
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from bench.in_process import Mails, make_mails, worker_parts
from bench.injector import RECIPIENT
from mailproc.app import Parts
from mailproc.model.address import Address

MAILS = 128  # so many as are claimed at once
AT_ONCE = 8  # clients that hand mails over


@dataclass
class Counts:
    calls: int = 0  # of functions, Python's own and those in C
    statements: int = 0  # of SQL

    def of_one(self, mails: int) -> tuple[float, float]:
        return self.calls / mails, self.statements / mails


async def count(folder: Path, mails: int = MAILS) -> tuple[Counts, Counts]:
    """What intake of so many mails costs, and what judging and filing them does."""
    made, intake, filing = make_mails(AT_ONCE + mails), Counts(), Counts()
    async with worker_parts(folder) as parts:
        await _take_in(parts, made[:AT_ONCE])  # what is made once is not counted
        await parts.processor.drain()
        with counted(intake):
            await _take_in(parts, made[AT_ONCE:])
        with counted(filing):
            await parts.processor.drain()
    return intake, filing


async def _take_in(parts: Parts, mails: Mails) -> None:
    for first in range(0, len(mails), AT_ONCE):
        replies = await asyncio.gather(
            *(
                parts.intake.accept(Address.parse(sender), [Address.parse(RECIPIENT)], raw)
                for sender, raw in mails[first : first + AT_ONCE]
            )
        )
        assert all(reply.code == 250 for (reply,) in replies)


@contextmanager
def counted(counts: Counts) -> Iterator[None]:
    def called(_frame: FrameType, event: str, function: object) -> None:
        if event in ("call", "c_call"):
            counts.calls += 1
        if event == "c_call" and getattr(function, "__name__", "") in ("execute", "executemany"):
            counts.statements += 1

    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(None)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        intake, filing = asyncio.run(count(Path(folder)))
    print("of a mail              calls  statements")
    for name, counts in (("intake", intake), ("judging and filing", filing)):
        calls, statements = counts.of_one(MAILS)
        print(f"{name:<20} {calls:>7,.0f}  {statements:>10.1f}")


if __name__ == "__main__":
    main()
