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
    """Text to be written into a mail, lines ended by LF; ``html`` says the same, "" makes it of the text."""

    text: str
    html: str = ""

    @property
    def as_html(self) -> str:
        return self.html or "<br>\r\n".join(map(_html_line, self.text.split("\n")))


def _html_line(line: str) -> str:
    """Blanks at the beginning and in a row would collapse."""
    return escape(line, quote=False).replace("  ", "&nbsp; ").replace("\t", "&nbsp; &nbsp; ")


@dataclass(frozen=True, slots=True)
class Edit:
    """What becomes of one line."""

    removed: bool = False
    instead: Passage | None = None  # what stands in the place of a removed line
    above: Passage | None = None  # a paragraph of its own, before the line
    below: Passage | None = None  # the same behind it


class Page(Protocol):
    """One text part of a mail."""

    @property
    def source(self) -> str:
        """The whole part, decoded."""
        ...

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as they are seen, without line ends."""
        ...

    def edited(self, edits: Mapping[int, Edit]) -> str:
        """The source with these lines changed, by their numbers."""
        ...
