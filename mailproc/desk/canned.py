"""Standard answers: templates from files and from mails of the folder ``Canned``, and what becomes of them.

A file is ``NAME.txt`` or ``NAME.LANGUAGE.txt``, with ``NAME….html`` beside it for its HTML, or a whole mail
``NAME….eml``; a mail in the folder has the name as its subject.  All are Jinja2 in the sandbox of
``mailproc.pipeline``.  A missing name or value raises ``NotExpanded``, whose text may be shown to the agent;
a template never reaches a customer unexpanded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailproc.mime.insert import Insert
from mailproc.mime.reader import read
from mailproc.pipeline.template import Value, compile_template


class NotExpanded(ValueError):
    """No such standard answer, or it cannot be filled in."""


@dataclass(frozen=True, slots=True)
class Canned:
    """One standard answer in one language ("": in any); ``text`` and ``html`` are Jinja2."""

    name: str  # lower case
    text: str
    html: str = ""
    language: str = ""
    attachments: tuple[bytes, ...] = ()  # whole MIME entities


def canned_from_mail(raw: bytes) -> Canned:
    """The standard answer that a mail of the folder ``Canned`` is; ValueError says why it is none."""
    mail = read(raw)
    name = mail.subject.strip().casefold()
    if not name:
        raise ValueError("a standard answer needs a subject: its name")
    return Canned(name, mail.text, mail.html)


def read_canned(folders: Sequence[str], desk: str) -> tuple[Canned, ...]:
    """The standard answers of a desk in folders of files, those of an earlier folder first."""
    return tuple(
        Canned(path.stem, path.read_text(encoding="utf-8"))
        for folder in folders
        for path in sorted(Path(folder).glob("*.txt"))
    )


def expand(
    names: Collection[str],
    canned: Sequence[Canned],
    values: Mapping[str, Value],
    languages: Sequence[str],
) -> dict[str, Insert]:
    """What stands for each name, in the first of ``languages`` that there is; NotExpanded tells all mistakes."""
    known = {one.name: one for one in reversed(canned)}
    if missing := [name for name in names if name not in known]:
        listed = ", ".join(sorted(known)) or "none"
        raise NotExpanded(f"there is no standard answer {', '.join(missing)}; known are: {listed}")
    return {name: Insert(compile_template(known[name].text).render(values).rstrip("\n")) for name in names}


def suggest(canned: Sequence[Canned], topic: str, similar: Sequence[str]) -> Canned | None:
    """The standard answer for a ticket: by its topic's name, else the one most used for similar tickets.

    ``similar`` are the names that answered similar tickets, best first.
    """
    by_name = {one.name: one for one in reversed(canned)}
    return by_name.get(topic) or next((by_name[name] for name in similar if name in by_name), None)
