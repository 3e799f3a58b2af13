"""Patterns from the configuration: RE2, so no pattern can stall a mail.

RE2 matches in time linear in the text; it has no back-references and no look-around, and refuses them
when the configuration is loaded.  Syntax: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import re2  # type: ignore[import-untyped]  # ships no types

FLAGS = frozenset("ims")  # ignore case, ^ and $ at each line, . matches newlines


@dataclass(frozen=True, slots=True)
class Match:
    """Where a pattern matched; ``groups`` holds "" for a group that took no part."""

    text: str
    start: int
    end: int
    groups: tuple[str, ...]
    named: dict[str, str]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern; made by ``compile_pattern``."""

    source: str
    _compiled: Any = field(repr=False, compare=False)

    def search(self, text: str) -> Match | None:
        """The first match anywhere in the text."""
        found = self._compiled.search(_encodable(text))
        return None if found is None else _as_match(found)

    def fullmatch(self, text: str) -> Match | None:
        """The match, if the pattern covers the whole text."""
        found = self._compiled.fullmatch(_encodable(text))
        return None if found is None else _as_match(found)

    def find_all(self, text: str) -> Iterator[Match]:
        """All matches that do not overlap, from left to right."""
        return map(_as_match, self._compiled.finditer(_encodable(text)))


def compile_pattern(text: str, flags: str = "") -> Pattern:
    """Compile an RE2 pattern; ``flags`` holds letters of "ims"; ValueError says what is wrong with it."""
    if unknown := set(flags) - FLAGS:
        raise ValueError(f"unknown pattern flag {min(unknown)!r}, use letters of 'ims'")
    options = re2.Options()
    options.log_errors = False  # RE2 would print them to standard error
    try:
        return Pattern(text, re2.compile(f"(?{flags}){text}" if flags else text, options))
    except re2.error as error:
        raise ValueError(f"bad pattern {text!r}: {_reason(error)}") from None
    except UnicodeEncodeError:
        raise ValueError(f"bad pattern {text!r}: not UTF-8") from None


def _reason(error: Exception) -> str:
    first = error.args[0] if error.args else error
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


def _encodable(text: str) -> str:
    """RE2 reads UTF-8; a lone surrogate from a broken mail becomes one "?", so that offsets stay true."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _as_match(found: Any) -> Match:
    return Match(found.group(), found.start(), found.end(), found.groups(""), found.groupdict(""))
