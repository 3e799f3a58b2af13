"""What a single line says by itself: that a quote follows, or that a phone added it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mailproc.mime.quote_words import (
    CLOSING_BEGINNINGS,
    DEVICE,
    DEVICE_BEGINNINGS,
    EXCUSE,
    FIRST_PERSON,
    LABELS,
    OPENER,
    QUOTING,
    WROTE,
    WROTE_ENDINGS,
    WROTE_IN_ASCII,
)

RULES = frozenset("*-_=─—–")  # with one of them a rule begins, and what delimits a signature
_INDENT = "".join(filter(str.isspace, map(chr, range(128)))) + "*"
_LETTERS_OF_CLOSINGS = "|".join(map(re.escape, sorted(CLOSING_BEGINNINGS)))
_LETTERS_OF_DEVICES = "|".join(map(re.escape, sorted(DEVICE_BEGINNINGS)))
# Of a whole text in ASCII: told by one pattern, lines cost a third.
_MAY_CLOSE = re.compile(rf"\n[^\S\n]*+(?:[*_=-]|{_LETTERS_OF_CLOSINGS})", re.IGNORECASE)
_MAY_BE_OF_DEVICE = re.compile(rf"\n[^\S\n]*+[ \t<(\[*_-]*+(?:{_LETTERS_OF_DEVICES})", re.IGNORECASE)
_AROUND_LABELS = _INDENT + ">|_"
_BRACKETS = " \t<([*_-"  # may stand before what a phone says
_COLONS = frozenset(":：")
_WROTE_ENDS = frozenset(ending[-2:] for ending in WROTE_ENDINGS)
_DATED_ADDRESS = re.compile(r"\W*\d{2,4}[-./年]\s?\d{1,2}[-./月]\s?\d{1,2}.{0,200}@[^\s<>]{1,200}>?\s*[:：]$")
TIME_OR_YEAR = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2}")


def _joined(lines: Iterable[str]) -> str:
    """A text in which every line begins behind a line end."""
    return "\n".join(["", *lines])


def _places(pattern: re.Pattern[str], text: str) -> Iterator[int]:
    """The lines that begin so; ``pattern`` begins with a line end and reaches over no other."""
    number = position = 0
    for match in pattern.finditer(text):
        number += text.count("\n", position, match.start())
        position = match.start()
        yield number


def introducing(lines: Iterable[str]) -> list[bool]:
    """Of each line, can it be the last of "On … Jane wrote:"?  Most are told by their last two letters."""
    return [
        line[-1:] in _COLONS or (line[-2:] in _WROTE_ENDS and line.endswith(WROTE_ENDINGS))
        for line in [line.rstrip(" \t\u00a0*") for line in lines]
    ]


def may_be_label(line: str) -> bool:
    """Can it be one of ``LABEL`` or of ``FORWARD``?  A line with a colon is told by what stands before it."""
    if not line.isascii():
        return ":" in line or "：" in line
    before, colon, _ = line.partition(":")
    return bool(colon) and before.strip(_AROUND_LABELS).lower() in LABELS


def closings(lines: Sequence[str], first: int) -> list[int]:
    """The lines from ``first`` on with which a signature can begin: in ASCII their first letters tell."""
    if (text := _joined(lines[first:])).isascii():
        return [first + i for i in _places(_MAY_CLOSE, text)]
    return [
        i
        for i, line in enumerate(lines[first:], first)
        if line.lstrip(_INDENT)[:2].lower() in CLOSING_BEGINNINGS
        or line.lstrip()[:1] in RULES
        or not line.isascii()
    ]


def device_lines(lines: Sequence[str]) -> list[int]:
    """The lines that a phone or a mail program added."""
    if (text := _joined(lines)).isascii():
        return [i for i in _places(_MAY_BE_OF_DEVICE, text) if is_device_line(lines[i])]
    return [
        i
        for i, line in enumerate(lines)
        if (line.strip().lstrip(_BRACKETS)[:2].lower() in DEVICE_BEGINNINGS or not line.isascii())
        and is_device_line(line)
    ]


def is_attribution(joined: str, *, is_marked: bool) -> bool:
    """True for a line, ended by a colon, that says who wrote what follows."""
    if _DATED_ADDRESS.match(joined) or QUOTING.match(joined):
        return True
    is_said = not joined.isascii() or any(map(joined.lower().__contains__, WROTE_IN_ASCII))
    wrote = WROTE.search(joined) if is_said else None
    if wrote is None or len(joined) - wrote.end() > 150:
        return False
    if is_marked:
        return len(joined) <= 200 or OPENER.match(joined) is not None
    if FIRST_PERSON.search(joined):
        return False
    if "@" in joined:
        return True
    return OPENER.match(joined) is not None and TIME_OR_YEAR.search(joined) is not None


def is_device_line(line: str) -> bool:
    """Did a phone or a mail program add this line by itself ("Sent from my …")?"""
    line = line.strip()
    if line.isascii() and line.lstrip(_BRACKETS)[:2].lower() not in DEVICE_BEGINNINGS:
        return False
    if len(line) > 120 or not DEVICE.match(line):
        return False
    return EXCUSE.search(line) is not None or ("," not in line and len(line.split()) <= 11)
