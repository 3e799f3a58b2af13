"""Lines ``::name`` in an agent's mail: found, and replaced by standard answers.

Such a line stands alone, anywhere in what the agent wrote, never in a quote.  It is found in the text and in
its HTML alternative, and both must have the same ones.  Attachments of what is inserted become parts of the
mail; every other part stays as it is, octet for octet.  ``CannotInsert`` says why a mail must not go on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from mailproc.mime.enclose import attach
from mailproc.mime.page import Edit, Passage
from mailproc.mime.quotes import own_lines
from mailproc.mime.reader import read
from mailproc.mime.sealed import seal_of, sealed_text
from mailproc.mime.surgery import normalise_newlines
from mailproc.mime.written import Change, Written, other_version, put_back, versions

NAME = r"[\w][\w.-]{0,63}"
_INSERT = re.compile(rf"::\s?({NAME})")
_NEARLY = re.compile(rf"::\s?({NAME})[.,;!?)]*(?:\s.*)?")  # goes on behind the name


class CannotInsert(ValueError):
    """The mail must not go on; the text may be shown to the agent."""


@dataclass(frozen=True, slots=True)
class Insert:
    """What stands in the place of one ``::name`` line.

    ``attachments`` are whole MIME entities, header and body, with CRLF.
    """

    text: str
    html: str = ""
    attachments: tuple[bytes, ...] = ()


def find_inserts(raw: bytes) -> tuple[str, ...]:
    """The names in their order, in lower case, each once; CannotInsert where they cannot be replaced.

    A line that begins like one and goes on (``::name, please``) is told as a name that nothing has.
    """
    mail = read(normalise_newlines(raw))
    if seal := seal_of(mail):
        if _names(tuple(sealed_text(mail).split("\n"))):
            raise CannotInsert(f"the mail is {seal}, so that nothing can be inserted into it")
        return ()
    found = [tuple(_names(_lines(parts)).values()) for parts in versions(mail)]
    if any(names != found[0] for names in found[1:]):
        raise CannotInsert("the text of the mail and its HTML have different :: lines")
    if any(found) and (other := other_version(mail)):
        raise CannotInsert(f"the mail holds its text as {other} too, into which nothing can be inserted")
    return tuple(dict.fromkeys(found[0])) if found else ()


def insert(raw: bytes, inserts: Mapping[str, Insert]) -> bytes:
    """The mail with each ``::name`` replaced; CannotInsert where a name is missing in ``inserts``."""
    names = find_inserts(raw)
    if missing := [name for name in names if name not in inserts]:
        raise CannotInsert(f"there is no standard answer {missing[0]}")
    mail = read(normalise_newlines(raw))
    passages = {name: Passage(one.text, one.html) for name, one in inserts.items()}
    expanded = put_back(mail, chain.from_iterable(_expanded(parts, passages) for parts in versions(mail)))
    return attach(expanded, [entity for name in names for entity in inserts[name].attachments])


def _lines(parts: tuple[Written, ...]) -> tuple[str, ...]:
    return tuple(chain.from_iterable(part.page.lines for part in parts))


def _names(lines: tuple[str, ...]) -> dict[int, str]:
    """The number of each line that is an insert, and its name."""
    found = {}
    for number, line in own_lines(lines):
        plain = " ".join(line.split())
        if match := _INSERT.fullmatch(plain):
            found[number] = match[1].lower()
        elif _NEARLY.fullmatch(plain):
            found[number] = plain.removeprefix("::").strip()
    return found


def _expanded(parts: tuple[Written, ...], passages: Mapping[str, Passage]) -> Iterator[Change]:
    names, before = _names(_lines(parts)), 0
    for part in parts:
        numbers = range(before, before + len(part.page.lines))
        edits = {
            number - before: Edit(removed=True, instead=passages[names[number]])
            for number in numbers
            if number in names
        }
        before = numbers.stop
        yield part, part.page.edited(edits)
