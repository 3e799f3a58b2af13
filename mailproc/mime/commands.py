"""Commands that an agent writes at the very top of a mail: lines that begin with ``#``.

``extract_commands`` finds them in the text and in its HTML alternative and takes them out of both; nothing
else of the mail changes.  Only lines above all other text count, blank lines between them do not end them,
and quoted text is never looked at.  Every line there that begins with ``#`` must be a command that is known
and whole: anything else is ``unknown``, and such a mail is for its author to look at again, never for a
customer.  Never raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mailproc.mime.page import Edit, Page
from mailproc.mime.reader import Mail, read
from mailproc.mime.sealed import seal_of, sealed_text
from mailproc.mime.surgery import normalise_newlines
from mailproc.mime.written import Written, put_back, written_parts
from mailproc.model.mistake import did_you_mean

_MARK = "#"
_DIFFERENT = "the text of the mail and its HTML have different commands at the top"
_LEFT = "the commands could not be taken out of the mail"
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_COMMAND = re.compile(r"#([a-z]{2,20})(?:\s+(.*))?")


class Verb(StrEnum):
    """What a command does; ``mailproc.desk.command`` says how."""

    CLOSE = "close"
    SNOOZE = "snooze"
    ASSIGN = "assign"
    NOTE = "note"
    SPAM = "spam"
    TAKE = "take"
    MERGE = "merge"
    SPLIT = "split"
    TAG = "tag"
    UNDO = "undo"
    HELP = "help"


# What must stand behind the verb: nothing, something, or either.
_BARE = frozenset({Verb.CLOSE, Verb.SPAM, Verb.TAKE, Verb.SPLIT, Verb.UNDO, Verb.HELP})
_EITHER = frozenset({Verb.NOTE})


@dataclass(frozen=True, slots=True)
class Command:
    """One command; ``argument`` is what stands behind the verb, "" where nothing does."""

    verb: Verb
    argument: str = ""

    def __str__(self) -> str:
        return f"#{self.verb} {self.argument}".rstrip()


@dataclass(frozen=True, slots=True)
class Commands:
    """What stands at the top of a mail.  The mail may go on only where ``problems`` is empty."""

    lines: tuple[Command, ...]
    unknown: tuple[str, ...]  # lines that look like commands and are none, as they were written
    problem: str  # why the commands could not be taken out ("" where they could), for the agent
    raw_without: bytes  # the mail without its commands; the same object where it had none
    own_text: str  # what the agent wrote below them, without quotes and signature

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong, one sentence each, to be shown to the agent."""
        unknown = tuple(f"{line}: {complaint(line)}" for line in self.unknown)
        return (*unknown, self.problem) if self.problem else unknown

    @property
    def is_note(self) -> bool:
        return any(command.verb is Verb.NOTE for command in self.lines)

    @property
    def says_nothing_else(self) -> bool:
        """No text is left for the customer."""
        return not self.own_text.strip()


def extract_commands(raw: bytes) -> Commands:
    """The commands at the top of a submitted mail, and the mail without them."""
    mail = read(normalise_newlines(raw))
    if any(name.startswith("resent-") for name in mail.header_names):
        return Commands((), (), "", raw, mail.reply)  # somebody else's words, sent on as they are
    if seal := seal_of(mail):
        return _sealed(mail, raw, seal)
    parts = written_parts(mail)
    tops = [_top(part.page) for part in parts]
    top = tops[0] if tops else _Top((), (), [])
    if not any(top.found for top in tops):
        return Commands((), (), "", raw, mail.reply)
    if any(_told(other) != _told(top) for other in tops):
        return Commands(top.lines, top.unknown, _DIFFERENT, raw, mail.reply)
    without = put_back(mail, {part: _without(part, top) for part, top in zip(parts, tops, strict=True)})
    rest = read(without)
    if any(_top(part.page).found for part in written_parts(rest)):
        return Commands(top.lines, top.unknown, _LEFT, raw, mail.reply)
    return Commands(top.lines, top.unknown, "", without, rest.reply)


def read_command(line: str) -> Command | None:
    """The command in one line, None where it is none or not whole."""
    match = _COMMAND.fullmatch(_plain(line).casefold())
    if match is None or match[1] not in set(Verb):
        return None
    verb = Verb(match[1])
    argument = _plain(line).partition(" ")[2]
    if verb not in _EITHER and bool(argument) is (verb in _BARE):
        return None
    return Command(verb, argument)


def complaint(line: str) -> str:
    """Why a line is no command, for the agent."""
    match = re.match(r"#\s*([^\s#]+)", _plain(line).casefold())
    word = match[1] if match else ""
    if word in set(Verb):
        verb = Verb(word)
        if not _plain(line).casefold().startswith(f"#{word}"):
            return "no blank may stand behind the #"
        return "takes nothing behind it" if verb in _BARE else "needs something behind it"
    return f"no such command{did_you_mean(word, set(Verb))}"


@dataclass(frozen=True, slots=True)
class _Top:
    """The top of one part: its commands, what looks like one, and the numbers of their lines."""

    lines: tuple[Command, ...]
    unknown: tuple[str, ...]
    found: list[int]
    end: int = 0  # where the other text begins


def _top(page: Page) -> _Top:
    found, end = _top_lines(page.lines)
    read_lines = [(line, read_command(line)) for line in (page.lines[number] for number in found)]
    known = tuple(command for _, command in read_lines if command is not None)
    unknown = tuple(_plain(line) for line, command in read_lines if command is None)
    return _Top(known, unknown, found, end)


def _top_lines(lines: Iterable[str]) -> tuple[list[int], int]:
    """Which lines at the top look like commands, and where the other text begins."""
    found: list[int] = []
    number = -1
    for number, line in enumerate(lines):
        text = _plain(line)
        if text and not text.startswith(_MARK):
            return found, number
        if text:
            found.append(number)
    return found, number + 1


def _told(top: _Top) -> list[tuple[Verb, str]]:
    """What the alternatives of a mail must agree in; a note's text may be wrapped in one of them."""
    return [(command.verb, "" if command.verb is Verb.NOTE else command.argument) for command in top.lines]


def _without(part: Written, top: _Top) -> str:
    """The source of a part without its commands and the blank lines around them."""
    return part.page.edited({number: Edit(removed=True) for number in range(top.end)}) if top.found else ""


def _sealed(mail: Mail, raw: bytes, seal: str) -> Commands:
    lines = sealed_text(mail).split("\n")
    found, _ = _top_lines(lines)
    commands = [read_command(lines[number]) for number in found]
    unknown = tuple(_plain(lines[number]) for number in found if read_command(lines[number]) is None)
    problem = f"the mail is {seal}, so that commands cannot be taken out of it" if found else ""
    return Commands(tuple(filter(None, commands)), unknown, problem, raw, mail.reply)


def _plain(line: str) -> str:
    """A line as it looks: one kind of blank, no invisible letters, full-width signs as plain ones."""
    folded = unicodedata.normalize("NFKC", line)
    return " ".join(_INVISIBLE.sub("", folded).split())
