"""The lines of a text/plain part (RFC 2046 section 4.1.3), flowed or not (RFC 3676)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mailproc.mime.lazy import lazy
from mailproc.mime.page import Edit, Passage

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class PlainPage:
    """``source`` is the decoded text with its own line ends; ``flowed`` says format=flowed."""

    source: str
    flowed: bool = False

    @lazy
    def _physical(self) -> list[str]:
        found: list[str] = _LINE.findall(self.source)
        return found

    @lazy
    def lines(self) -> tuple[str, ...]:
        return tuple(line.rstrip("\r\n") for line in self._physical)

    def edited(self, edits: Mapping[int, Edit]) -> str:
        return "".join(self._pieces(edits))

    def _pieces(self, edits: Mapping[int, Edit]) -> Iterator[str]:
        for number, line in enumerate(self._physical):
            edit = edits.get(number, _AS_IT_IS)
            if edit.above is not None:
                yield self._written(edit.above) + self._newline
            if edit.instead is not None:
                yield self._written(edit.instead)
            if not edit.removed:
                yield line
            if edit.below is not None:
                yield from self._paragraph_below(number, edit.below)

    def _paragraph_below(self, number: int, passage: Passage) -> Iterator[str]:
        is_ended = self._physical[number].endswith("\n")
        yield self._newline * (1 if is_ended else 2)
        yield self._written(passage)
        following = self.lines[number + 1 : number + 2]
        if following and following[0].strip():
            yield self._newline

    @property
    def _newline(self) -> str:
        return "\n" if "\n" in self.source and "\r\n" not in self.source else "\r\n"

    def _written(self, passage: Passage) -> str:
        return "".join(self._line(line) + self._newline for line in passage.text.split("\n"))

    def _line(self, line: str) -> str:
        """In flowed text a blank at the end joins lines, and some beginnings must be hidden (section 4.2)."""
        if not self.flowed:
            return line
        line = line if line == "-- " else line.rstrip(" ")
        return f" {line}" if line.startswith((" ", ">", "From ")) else line


_AS_IT_IS = Edit()
