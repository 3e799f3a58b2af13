"""Text of strangers on one line: nothing breaks it, commands a terminal or turns the writing round.

What goes is what ``str.isprintable`` refuses, Unicode's categories C and Z but the space: controls, line and
paragraph separators, direction marks, surrogates, odd spaces.  Nothing here raises.
"""

from __future__ import annotations

LONGEST = 200  # characters of a customer's subject or name that are repeated


def without_controls(text: str, instead: str = " ") -> str:
    """The text, with ``instead`` for each character that must not be in it."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else instead for letter in text)


def one_line(text: str, most: int = LONGEST) -> str:
    """At most so many characters of the text, with single spaces between its words."""
    return " ".join(without_controls(text[: 4 * most]).split())[:most].rstrip()
