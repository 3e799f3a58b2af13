"""A desk's salutation above and its signature below what an agent wrote, in the text and in its HTML.

The salutation stands above the first line that is no quote, unless that line greets; the signature follows
the last such line, unless the agent signed with ``-- `` (RFC 3676 section 4.3).  A sealed mail, and one
without words of the agent's own, stays as it is.  Nothing raises for what a mail holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from mailproc.mime.page import Edit, Passage
from mailproc.mime.quotes import own_lines
from mailproc.mime.reader import read
from mailproc.mime.sealed import seal_of
from mailproc.mime.surgery import normalise_newlines
from mailproc.mime.written import Change, Written, other_version, put_back, versions

_SIGNED = re.compile(r"--[ \u00a0]?")
_LONGEST_GREETING = 6  # words


def framed(raw: bytes, salutation: str, signature: str) -> bytes:
    """The mail with what is not "" of both."""
    mail = read(normalise_newlines(raw))
    if not (salutation or signature) or seal_of(mail) or other_version(mail):
        return raw
    both = versions(mail)
    if any(_greets(_own(parts)) for parts in both):
        salutation = ""
    if any(_SIGNED.fullmatch(line.strip()) for parts in both for line in _own(parts)):
        signature = ""
    changes = chain.from_iterable(_around(parts, salutation, signature) for parts in both)
    return put_back(mail, changes)


def _own(parts: tuple[Written, ...]) -> list[str]:
    lines = tuple(chain.from_iterable(part.page.lines for part in parts))
    return [line for _, line in own_lines(lines) if line.strip()]


def _greets(own: list[str]) -> bool:
    """Every language ends a greeting like this: a few words and a comma, an exclamation mark or a colon."""
    first = own[0].strip() if own else ""
    return first.endswith((",", "!", ":")) and len(first.split()) <= _LONGEST_GREETING


def _around(parts: tuple[Written, ...], salutation: str, signature: str) -> Iterator[Change]:
    if not _own(parts):
        return
    first = next(part for part in parts if _own((part,)))
    last = next(part for part in reversed(parts) if _own((part,)))
    top = {_own_lines(first)[0]: Passage(salutation)} if salutation else {}
    bottom = {_own_lines(last)[-1]: Passage(signature)} if signature else {}
    for part in dict.fromkeys((first, last)):
        above, below = (top if part is first else {}), (bottom if part is last else {})
        edits = {
            number: Edit(above=above.get(number), below=below.get(number)) for number in {*above, *below}
        }
        yield part, part.page.edited(edits)


def _own_lines(part: Written) -> list[int]:
    """The numbers of the lines with own words."""
    return [number for number, line in own_lines(part.page.lines) if line.strip()]
