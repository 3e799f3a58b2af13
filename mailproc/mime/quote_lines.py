"""What a single line says by itself: that a quote follows, or that a phone added it."""

from __future__ import annotations

import re

from mailproc.mime.quote_words import (
    DEVICE,
    DEVICE_BEGINNINGS,
    EXCUSE,
    FIRST_PERSON,
    OPENER,
    QUOTING,
    WROTE,
    WROTE_ENDINGS,
)

_BRACKETS = " \t<([*_-"  # may stand before what a phone says
_COLONS = frozenset(":：")
_WROTE_ENDS = frozenset(ending[-2:] for ending in WROTE_ENDINGS)
_DATED_ADDRESS = re.compile(r"\W*\d{2,4}[-./年]\s?\d{1,2}[-./月]\s?\d{1,2}.{0,200}@[^\s<>]{1,200}>?\s*[:：]$")
TIME_OR_YEAR = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2}")


def may_introduce(line: str) -> bool:
    """Can it be the last line of "On … Jane wrote:"?  Most others are told by their last two letters."""
    line = line.rstrip(" \t\u00a0*")
    return line[-1:] in _COLONS or (line[-2:] in _WROTE_ENDS and line.endswith(WROTE_ENDINGS))


def is_attribution(joined: str, *, is_marked: bool) -> bool:
    """True for a line, ended by a colon, that says who wrote what follows."""
    if _DATED_ADDRESS.match(joined) or QUOTING.match(joined):
        return True
    wrote = WROTE.search(joined)
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
