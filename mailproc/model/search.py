"""What a person types to find tickets, read: it never raises, and says what it could not make sense of.

    rechnung mahnung        both, anywhere in the ticket
    "offene rechnung"       one after the other
    -storno                 not in the ticket
    rechn*                  words that begin so
    from:anna to:support subject:mahnung tag:vip
    2026112100017, [T#2026112100017-k7q2mx]     this ticket, and those that mention it

Anything else, an unknown prefix among it, is looked for as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from mailproc.model.folding import spellings
from mailproc.model.number import parse as parse_number
from mailproc.model.subject import normalise

MAX_TEXT = 1000  # characters of a query that are read
MAX_TERMS = 20
SHORTEST_PREFIX = 2  # characters before a *

_TERM = re.compile(
    r"""
    (?P<minus> -? )
    (?: (?P<field> from | to | subject | tag ) : )?
    (?: " (?P<phrase> [^"]* ) (?: "(?P<star>\*)? | $ ) | (?P<word> [^\s"]+ ) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_EMPTY_FIELD = re.compile("(?:from|to|subject|tag):", re.IGNORECASE)
# As word processors and telephones write them.
_QUOTES = str.maketrans(dict.fromkeys("„“”«»", '"'))


class Field(StrEnum):
    """Where to look."""

    ANYWHERE = ""
    SUBJECT = "subject"
    FROM = "from"
    TO = "to"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that a ticket must have, or must not have.

    ``spellings`` are folded words, one space between them, at least one; any of them will do.
    """

    spellings: tuple[str, ...]
    field: Field = Field.ANYWHERE
    is_prefix: bool = False  # the last word may go on
    is_excluded: bool = False
    number: str = ""  # the ticket's number that this may be


@dataclass(frozen=True, slots=True)
class Query:
    """All of ``terms``.  ``remarks`` tell what was not searched, and why."""

    terms: tuple[Term, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def finds_nothing(self) -> bool:
        """Something was asked, but nothing that can be searched."""
        return bool(self.remarks) and not self.terms


NO_QUERY = Query()


def parse_query(text: str) -> Query:
    """Read what was typed; an empty text asks nothing, and every ticket fits it."""
    terms: list[Term] = []
    remarks: list[str] = []
    if len(text) > MAX_TEXT:
        remarks.append(f"only the first {MAX_TEXT} characters are searched")
    for match in _TERM.finditer(text[:MAX_TEXT].translate(_QUOTES)):
        if len(terms) == MAX_TERMS:
            remarks.append(f"only the first {MAX_TERMS} words are searched")
            break
        _take(match, terms, remarks)
    return Query(tuple(terms), tuple(dict.fromkeys(remarks)))


def _take(match: re.Match[str], terms: list[Term], remarks: list[str]) -> None:
    typed = match["phrase"] if match["phrase"] is not None else match["word"]
    if match["word"] and _is_reply_prefix(typed):
        return  # of a subject that was pasted
    if match["word"] and _EMPTY_FIELD.fullmatch(typed):
        remarks.append(f"{match[0]!r}: the word must follow at once, as in {typed.lower()}anna")
        return
    field = Field((match["field"] or "").lower())
    is_prefix = bool(match["star"]) or (match["phrase"] is None and typed.endswith("*"))
    spelt = spellings(typed)
    if not spelt:
        remarks.append(f"{match[0]!r} has no word in it")
        return
    if is_prefix and len(spelt[0]) < SHORTEST_PREFIX:
        remarks.append(f"{match[0]!r}: too short for a beginning, searched as a word")
        is_prefix = False
    number = parse_number(typed) if field is Field.ANYWHERE and not is_prefix else None
    terms.append(Term(spelt, field, is_prefix, bool(match["minus"]), number or ""))


def _is_reply_prefix(word: str) -> bool:
    """``Re:``, ``AW:`` and the like."""
    return word.endswith(":") and normalise(f"{word} x").key == "x"
