"""The lines of a text/plain part (RFC 2046 section 4.1.3), flowed or not (RFC 3676)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mailproc.mime.page import Edit, Passage

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class PlainPage:
    """``source`` is the decoded text with its own line ends; ``flowed`` says format=flowed."""

    source: str
    flowed: bool = False

    @property
    def _physical(self) -> list[str]:
        return _LINE.findall(self.source)

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(line.rstrip("\r\n") for line in self._physical)

    def edited(self, edits: Mapping[int, Edit]) -> str:
        return "".join(self._pieces(edits))

    def _pieces(self, edits: Mapping[int, Edit]) -> Iterator[str]:
        for number, line in enumerate(self._physical):
            edit = edits.get(number)
            if edit is None:
                yield line
                continue
            yield self._passage(edit.above)
            if not edit.removed:
                yield line
            if edit.below is not None:
                yield "" if edit.removed or line.endswith("\n") else "\r\n"
                yield self._passage(edit.below)

    def _passage(self, passage: Passage | None) -> str:
        if passage is None:
            return ""
        return "".join(f"{self._line(line)}\r\n" for line in passage.text.split("\n"))

    def _line(self, line: str) -> str:
        """In flowed text a blank at the end joins lines, and some beginnings must be hidden (section 4.2)."""
        if not self.flowed:
            return line
        line = line if line == "-- " else line.rstrip(" ")
        return f" {line}" if line.startswith((" ", ">", "From ")) else line
