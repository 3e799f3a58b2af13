"""A TOML file with the line of each key (TOML 1.0).

The standard library reads it; spanned-toml finds the lines, and is asked only when there is a mistake to
report.  It gives table headers no span of their own, but their keys have one.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import spanned_toml

from mailproc.model.mistake import Key, Mistake

_AT_LINE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class UnreadableToml(Exception):
    """The file is missing or no TOML; ``mistake`` says why, with the line where there is one."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.mistake = Mistake((), text, line=line)


@dataclass(frozen=True)
class Document:
    """A parsed TOML file."""

    path: Path
    text: str
    values: dict[str, Any]

    def line_of(self, key: Key) -> int:
        """The line of a key, else of the nearest table around it, else 1."""
        lines = self._lines
        while key and key not in lines:
            key = key[:-1]
        return lines.get(key, 1)

    @cached_property
    def _lines(self) -> dict[Key, int]:
        source = self.text.replace("\r\n", "\n")
        lines: dict[Key, int] = {}
        try:
            _collect(spanned_toml.loads(source), (), source, lines)
        except (spanned_toml.TOMLDecodeError, RecursionError):
            return {}  # newer TOML than spanned-toml knows: the mistakes are shown without their lines
        return lines


def read_toml(path: Path) -> Document:
    """Read and parse; raise UnreadableToml."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UnreadableToml(f"cannot be read: {error.strerror}") from None
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise UnreadableToml("not UTF-8", raw.count(b"\n", 0, error.start) + 1) from None
    return Document(path, text, _parse(text))


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text) from None
    except RecursionError:
        raise UnreadableToml("nested too deeply", 1) from None


def _syntax_error(message: str, text: str) -> UnreadableToml:
    found = _AT_LINE.search(message)
    reason = message[: found.start()] if found else message
    reason = reason[:1].lower() + reason[1:]
    if found and found[1]:
        return UnreadableToml(f"no valid TOML: {reason} (column {found[2]})", int(found[1]))
    return UnreadableToml(f"no valid TOML: {reason}", text.count("\n") + 1)


def _collect(spanned: Any, key: Key, source: str, lines: dict[Key, int]) -> None:
    value = spanned.inner()
    if isinstance(value, dict):
        for name, item in value.items():
            inner = (*key, name.inner())
            lines[inner] = _line_at(source, name.span().start)
            _collect(item, inner, source, lines)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            if item.span().stop:  # tables of an array of tables have no span
                lines[(*key, number)] = _line_at(source, item.span().start)
            _collect(item, (*key, number), source, lines)


def _line_at(source: str, offset: int) -> int:
    return source.count("\n", 0, offset) + 1
