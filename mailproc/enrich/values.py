"""What a source said, made harmless: one line of bounded length, or a number.

A source may lie, or repeat what strangers typed into a form.  Its words become header fields, tags and
templates' values; what they would mean as HTML or SQL stays text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal

from mailproc.enrich.source import Value

LONGEST = 500  # characters of a value
LONGEST_TAG = 40
MOST_ITEMS = 20  # of a list

_LOOKED_AT = 4 * LONGEST
_LARGEST = 2**53
# controls, surrogates, line and paragraph separators, and what turns the direction of writing
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ud800-\udfff\\s]+"
)
_NOT_IN_TAGS = re.compile(r"[^\w.@-]+")


def clean(said: object) -> Value:
    """A value that can be shown, compared and kept; "" for nothing."""
    if said is None:
        return ""
    if isinstance(said, bool | int | float | Decimal):
        return _number(said)
    if isinstance(said, datetime | date | time):
        return said.isoformat()
    if isinstance(said, bytes | bytearray | memoryview):
        return one_line(bytes(said[:_LOOKED_AT]).decode("utf-8", "replace"))
    if isinstance(said, list | tuple | set | frozenset):
        return one_line(", ".join(str(clean(item)) for item in _first(said)))
    if isinstance(said, dict):
        return ""
    return one_line(str(said))


def one_line(text: str) -> str:
    """The beginning of a text, without what breaks or disguises a line."""
    line = _UNFIT.sub(" ", text[:_LOOKED_AT]).strip()
    return line if len(line) <= LONGEST and len(text) <= _LOOKED_AT else f"{line[: LONGEST - 1]}…"


def as_tag(text: str) -> str:
    """A tag out of a text: words joined by hyphens; "" where nothing is left."""
    return _NOT_IN_TAGS.sub("-", text[:_LOOKED_AT]).strip("-.")[:LONGEST_TAG]


def _first(items: Iterable[object]) -> list[object]:
    return [item for item, _ in zip(items, range(MOST_ITEMS), strict=False)]


def _number(said: bool | int | float | Decimal) -> Value:
    if isinstance(said, bool):
        return said
    if isinstance(said, Decimal):
        if not said.is_finite():
            return ""
        said = int(said) if abs(said) < _LARGEST and said == int(said) else float(said)
    if isinstance(said, float):
        return said if math.isfinite(said) else ""
    if abs(said) <= _LARGEST:
        return said
    return str(said) if abs(said) < _LARGEST**2 else ""
