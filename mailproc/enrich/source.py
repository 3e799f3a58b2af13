"""What a source is, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Value = str | int | float | bool
Record = dict[str, Value]  # one row, entry or object: the wanted values by their names


class SourceAway(Exception):
    """The source could not answer now; it may be asked again later.  The text is for the log."""


class Source(Protocol):
    """Something that can be asked.  It keeps no answer and has no time limit of its own."""

    async def ask(self, values: Mapping[str, str]) -> list[Record]:
        """The records for what a mail brought, at most as many as were asked for; SourceAway."""
        ...

    async def close(self) -> None: ...
