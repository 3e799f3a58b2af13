"""The repositories' SQL for PostgreSQL: ``:name`` becomes ``$1``; nothing else is changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

LONGEST_KEPT = 16_384  # characters; what is longer lists rows, and comes once
MOST_KEPT = 2_048

# What may hold a colon that is no parameter is matched first, and left as it is.
_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|::|:([A-Za-z_][A-Za-z0-9_]*)")
# What a watcher or an outbox worker elsewhere should look at soon.
_STIRS = re.compile(r"\s*(?:INSERT\s+INTO|UPDATE)\s+(?:outbox|folder_work)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """``names`` are the parameters in the order of their numbers, each once."""

    text: bytes
    names: tuple[str, ...]
    stirs: bool  # others may have something to do when it is committed


def translate(sql: str) -> Statement:
    """The same statement with numbered parameters."""
    return _translate(sql) if len(sql) > LONGEST_KEPT else _kept(sql)


@lru_cache(maxsize=MOST_KEPT)
def _kept(sql: str) -> Statement:
    return _translate(sql)


def _translate(sql: str) -> Statement:
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match[1]
        return match[0] if name is None else f"${numbers.setdefault(name, len(numbers) + 1)}"

    text = _TOKEN.sub(number, sql)
    return Statement(text.encode(), tuple(numbers), _STIRS.match(sql) is not None)
