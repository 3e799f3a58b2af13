"""A text that a person wrote, line by line as it is seen, and the one way to change lines of it.

There are two kinds: plain text (``plain_page``) and HTML (``html_page``).  Both show quoted lines with ``> ``
in front.  Every character of the source that belongs to no changed line stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Passage:
    """Text to be written into a mail; ``html`` is the same as HTML, made of the text where it is ""."""

    text: str
    html: str = ""

    @property
    def as_html(self) -> str:
        return self.html or "<br>\n".join(escape(line, quote=False) for line in self.text.split("\n"))


@dataclass(frozen=True, slots=True)
class Edit:
    """What becomes of one line: whether it goes, and what stands above and below it from now on."""

    removed: bool = False
    above: Passage | None = None
    below: Passage | None = None


class Page(Protocol):
    """One text part of a mail."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as they are seen, without line ends."""
        ...

    def edited(self, edits: Mapping[int, Edit]) -> str:
        """The source with these lines changed, by their numbers."""
        ...
