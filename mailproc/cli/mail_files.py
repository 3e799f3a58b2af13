"""Mails in files: a mail, a directory of mails (recursive), an mbox (RFC 4155) or a Maildir.

A file that begins with ``From `` is an mbox, and read line by line: any size will do.  Its separators are
lines ``From … hh:mm … yyyy`` after an empty line, as ``From `` alone is common in mails; ``>From `` in it
is unquoted.  Of a Maildir ``new`` and ``cur`` are read, of other directories every file, in order of names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_SEPARATOR = re.compile(rb"From \S+ .*\d\d:\d\d.* (?:19|20)\d\d\s*\r?\n?")
_QUOTED = re.compile(rb">+From ")


@dataclass(frozen=True, slots=True)
class MailFile:
    """A mail and where it stood: the file, for one of several in an mbox ``FILE#NUMBER``."""

    path: str
    raw: bytes


def mails_in(paths: Iterable[Path]) -> Iterator[MailFile]:
    """Every mail in these paths; OSError where one cannot be read."""
    for path in paths:
        for file in _files_in(path):
            yield from _mails_of(file)


def _files_in(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    children = sorted(path.iterdir())
    if {"cur", "new"} <= {child.name for child in children}:  # a Maildir; its server has other files there
        children = [
            child
            for child in children
            if child.is_dir() and (child.name in ("cur", "new") or child.name.startswith("."))
        ]
    for child in children:
        if child.is_dir() and not child.is_symlink():
            yield from _files_in(child)
        elif child.is_file():
            yield child


def _mails_of(file: Path) -> Iterator[MailFile]:
    with file.open("rb") as lines:
        if lines.read(5) != b"From ":
            lines.seek(0)
            yield MailFile(str(file), lines.read())
            return
        lines.seek(0)
        mails = _split_mbox(lines)
        first = next(mails, b"")
        second = next(mails, None)
        if second is None:
            yield MailFile(str(file), first)
            return
        yield MailFile(f"{file}#1", first)
        yield MailFile(f"{file}#2", second)
        for number, raw in enumerate(mails, 3):
            yield MailFile(f"{file}#{number}", raw)


def _split_mbox(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The mails of an mbox, without their separators and the empty line before the next one."""
    mail: list[bytes] = []
    after_empty = started = False
    for line in lines:
        if not started or (after_empty and _SEPARATOR.fullmatch(line)):
            if started:
                yield b"".join(mail[:-1])
            mail, started = [], True
        else:
            mail.append(line[1:] if _QUOTED.match(line) else line)
        after_empty = line in (b"\n", b"\r\n")
    if started:
        yield b"".join(mail[:-1] if after_empty and mail else mail)
