"""Ticket numbers: ``2026112100017`` (date), ``17`` (sequence), ``8840213377`` (random).

A number is decimal digits only, so that it survives any client, telephone and plus-address.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime

from mailproc.model.desk import NumberScheme

MAX_DIGITS = 20
RANDOM_DIGITS = 10
_COUNT_DIGITS = 5
_DAY = 86_400  # seconds

_NUMBER = re.compile(
    r"\s*\[?\s*(?:T\s*#)?\s*([0-9]{1,20})(?:-[0-9a-z]{1,16})?\s*\]?\s*", re.IGNORECASE | re.ASCII
)


def period(scheme: NumberScheme, now: float) -> str:
    """What a count starts anew for: the day in UTC (``20261121``), or "" for a count without end."""
    if scheme is not NumberScheme.DATE:
        return ""
    return _day(int(now // _DAY))


@functools.lru_cache(maxsize=8)
def _day(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970 * _DAY, UTC).strftime("%Y%m%d")


def numbered(period: str, count: int) -> str:
    """The number of the ``count``-th ticket of a period; more than 99999 a day only make it longer."""
    return f"{period}{count:0{_COUNT_DIGITS}d}" if period else str(count)


def random_number(chance: float) -> str:
    """A number of ten digits, the first not 0, from ``chance`` in [0, 1)."""
    lowest = 10 ** (RANDOM_DIGITS - 1)
    return str(lowest + int(chance * 9 * lowest))


def parse(text: str) -> str | None:
    """The bare number in what a person types, ``17``, ``T#17`` or ``[T#17-k7q2mx]``; else None."""
    match = _NUMBER.fullmatch(text)
    return match[1] if match else None
