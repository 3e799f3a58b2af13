"""HTML cut into tags, comments and text, each with its place in the source.

No tree is built: a parser that repairs a document cannot say where in the source its nodes stood.  The cost
is linear in the length of the source, whatever it holds; nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_DECLARATION = r"<[!?][^>]*>"
_TEXT = r"[^<]+|<"
# A quoted value may hold ">"; each quantifier is possessive, so that nothing is tried twice.
_TAG = r"<(/?)([a-zA-Z][^\s/>]*+)((?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+)>"
_STRICT = re.compile(rf"{_DECLARATION}|{_TAG}|{_TEXT}", re.DOTALL)
# After a quote that never ends: looking for its end again and again would cost quadratic time.
_LENIENT = re.compile(rf"<[!?][^<>]*>|<(/?)([a-zA-Z][^\s/<>]*+)([^<>]*+)>|{_TEXT}", re.DOTALL)
# What stands in these is no markup (HTML standard section 13.2.5.2 and following), or nothing to be seen.
_RAW = frozenset({"script", "style", "title", "textarea", "noscript", "template", "xmp"})


class Kind(Enum):
    OPEN = "open"
    CLOSE = "close"
    TEXT = "text"
    OTHER = "other"  # comments and declarations


@dataclass(frozen=True, slots=True)
class Token:
    """``source[start:end]``; name in lower case and attributes as they stand, for tags."""

    kind: Kind
    start: int
    end: int
    name: str = ""
    attributes: str = ""


def tokens(source: str) -> Iterator[Token]:
    """Every character of the source is in exactly one token, in order."""
    pattern, position = _STRICT, 0
    last_comment = source.rfind("-->")
    while position < len(source):
        token = _comment(source, position, last_comment) or _token(pattern.match(source, position))
        if pattern is _STRICT and _is_unfinished(source, token):
            pattern = _LENIENT
            continue
        yield token
        position = token.end
        if token.kind is Kind.OPEN and token.name in _RAW:
            end = _end_of_raw(source, token)
            yield Token(Kind.OTHER, position, end)
            position = end


def _comment(source: str, position: int, last: int) -> Token | None:
    if position > last or not source.startswith("<!--", position):
        return None
    end = source.find("-->", position + 4)
    return Token(Kind.OTHER, position, end + 3) if end >= 0 else None


def _is_unfinished(source: str, token: Token) -> bool:
    """A "<" that begins a tag and finds no end."""
    following = source[token.end : token.end + 1]
    return source[token.start : token.end] == "<" and (following.isalpha() or following in ("/", "!", "?"))


def _token(match: re.Match[str] | None) -> Token:
    assert match is not None  # the last alternative takes any character
    start, end = match.span()
    if match[2]:
        kind = Kind.CLOSE if match[1] else Kind.OPEN
        return Token(kind, start, end, match[2].lower(), match[3])
    is_text = not match[0].startswith(("<!", "<?"))
    return Token(Kind.TEXT if is_text else Kind.OTHER, start, end)


def _end_of_raw(source: str, opened: Token) -> int:
    """Where the end tag of script, style and their like begins, or the end of the source."""
    found = re.compile(f"</{re.escape(opened.name)}", re.IGNORECASE).search(source, opened.end)
    return found.start() if found else len(source)
