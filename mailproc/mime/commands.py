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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from mailproc.mime.page import Edit, Passage
from mailproc.mime.quote_lines import is_device_line
from mailproc.mime.quote_words import CLOSING
from mailproc.mime.quotes import divide, own_lines
from mailproc.mime.reader import DEFAULT_LIMITS, Mail, read
from mailproc.mime.sealed import seal_of, sealed_text
from mailproc.mime.surgery import normalise_newlines
from mailproc.mime.text import is_attached
from mailproc.mime.written import Written, other_version, put_back, versions
from mailproc.model.mistake import did_you_mean

_MARK = "#"
_DIFFERENT = "the text of the mail and its HTML have different commands at the top"
_LEFT = "the commands could not be taken out of the mail"
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_THANKS = re.compile(r"(?:many )?thank|merci|cheers|gracias|grazie|obrigad|best,", re.IGNORECASE)
_LONGEST_OF_CARD = 60  # characters of a line in a signature
_LINES_OF_CARD = 12
_NEAR_THE_TOP = 3  # lines with text
# What mail programs add by themselves.
_NO_FILES = frozenset({
    "text/vcard", "text/x-vcard", "text/directory", "application/pgp-keys", "application/pgp-signature",
    "application/pkcs7-signature", "application/x-pkcs7-signature",
})  # fmt: skip
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
    ABSENT = "absent"
    HELP = "help"


# What must stand behind the verb: nothing, something, or either.
_BARE = frozenset({Verb.CLOSE, Verb.SPAM, Verb.TAKE, Verb.SPLIT, Verb.UNDO, Verb.HELP})
_EITHER = frozenset({Verb.NOTE, Verb.ABSENT})


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
    raw_without: bytes  # the mail without its commands; the same object where it had none, or problems
    own_text: str  # what the agent wrote below them, without quotes and signature
    has_files: bool = False  # something is attached

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that is wrong, one sentence each, to be shown to the agent."""
        unknown = tuple(f"{line}: {complaint(line)}" for line in self.unknown)
        return (*unknown, self.problem) if self.problem else unknown

    @property
    def says_nothing_else(self) -> bool:
        """Nothing is left for the customer."""
        return not self.own_text.strip() and not self.has_files


def extract_commands(raw: bytes) -> Commands:
    """The commands at the top of a submitted mail, and the mail without them."""
    mail = read(normalise_newlines(raw))
    if any(name.startswith("resent-") for name in mail.header_names):
        return Commands((), (), "", raw, mail.reply)  # somebody else's words, sent on as they are
    if seal := seal_of(mail):
        return _in_sealed(mail, raw, seal)
    first = [parts[0] for parts in versions(mail)]
    tops = [_top(part.page.lines) for part in first]
    both = list(zip(first, tops, strict=True))
    found = next((top for top in tops if top.numbers), _NOTHING)
    unknown = tuple(dict.fromkeys(chain(found.unknown, *(_below(part, top) for part, top in both))))
    if not (found.numbers or unknown):
        return Commands((), (), "", raw, mail.reply)
    rest = read(put_back(mail, [(part, _without(part, top)) for part, top in both]))
    problem = _disagreement(mail, tops) or (_LEFT if _is_left(rest, found) else "")
    without = raw if problem or unknown else rest.raw
    return Commands(found.known, unknown, problem, without, _own_text(rest), _has_files(rest))


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
        if read_command(line) is not None:
            return "stands below other text, and commands stand at the very top"
        return "takes nothing behind it" if verb in _BARE else "needs something behind it"
    return f"no such command{did_you_mean(word, set(Verb))}"


@dataclass(frozen=True, slots=True)
class _Top:
    """The top of one version of the text."""

    known: tuple[Command, ...]
    unknown: tuple[str, ...]
    numbers: tuple[int, ...]  # of the lines that are commands or look like them
    end: int  # where the other text begins


def _top(lines: Sequence[str]) -> _Top:
    numbers: list[int] = []
    end = 0
    for end, line in enumerate(chain(map(_plain, lines), ("end",))):
        if line and not line.startswith(_MARK):
            break
        if line:
            numbers.append(end)
    commands = [(lines[number], read_command(lines[number])) for number in numbers]
    known = tuple(command for _, command in commands if command is not None)
    unknown = tuple(_plain(line) for line, command in commands if command is None)
    return _Top(known, unknown, tuple(numbers), end)


_NOTHING = _Top((), (), (), 0)


def _below(part: Written, top: _Top) -> Iterator[str]:
    """Commands that stand a little too low, as below a greeting: they are not meant for the customer."""
    below = [line for number, line in own_lines(part.page.lines) if number >= top.end and line.strip()]
    for line in below[1:_NEAR_THE_TOP]:
        if read_command(line) is not None:
            yield _plain(line)


def _disagreement(mail: Mail, tops: Sequence[_Top]) -> str:
    """Why the commands cannot be taken out, "" where they can."""
    if other := other_version(mail):
        return f"the mail holds its text as {other} too, from which commands cannot be taken out"
    return "" if all(_told(top) == _told(tops[0]) for top in tops) else _DIFFERENT


def _told(top: _Top) -> tuple[list[tuple[Verb, str]], int]:
    """What the versions of a text must agree in; a note may be wrapped in one of them."""
    told = [(command.verb, "" if command.verb is Verb.NOTE else command.argument) for command in top.known]
    return told, len(top.unknown)


def _without(part: Written, top: _Top) -> str:
    """The source of a part without its commands and the blank lines around them; a note's text stays."""
    edits = {number: Edit(removed=True) for number in range(top.end)}
    for number in top.numbers:
        command = read_command(part.page.lines[number])
        if command is not None and command.verb is Verb.NOTE and command.argument:
            edits[number] = Edit(removed=True, instead=Passage(command.argument))
    return part.page.edited(edits)


def _is_left(mail: Mail, found: _Top) -> bool:
    """Does a command still stand at the top?  A note goes to nobody and may begin as it likes."""
    is_note = any(command.verb is Verb.NOTE for command in found.known)
    return not is_note and any(_top(parts[0].page.lines).numbers for parts in versions(mail))


def _in_sealed(mail: Mail, raw: bytes, seal: str) -> Commands:
    top = _top(sealed_text(mail).split("\n"))
    problem = f"the mail is {seal}, so that commands cannot be taken out of it" if top.numbers else ""
    return Commands(top.known, top.unknown, problem, raw, mail.reply)


def _own_text(mail: Mail) -> str:
    """What the author says beside commands: no quote, no signature, not even one without its mark."""
    own = [line for _, line in own_lines(mail.text.split("\n")) if not is_device_line(line)]
    text = divide("\n".join(own), DEFAULT_LIMITS.quotes).reply
    return "" if _is_signature(text, mail.author.name if mail.author else "") else text


def _has_files(mail: Mail) -> bool:
    """Does the author send a file?  Pictures of the text, signatures, keys and cards are none."""
    return any(
        is_attached(part)
        and part.type not in _NO_FILES
        and (part.parent is None or part.parent.type != "multipart/related")
        for part in mail.parts
    )


def _is_signature(text: str, name: str) -> bool:
    """Regards or the author's name, and short lines below, none of them a sentence."""
    first, *rest = [line.strip() for line in text.split("\n") if line.strip()] or [""]
    if any(len(line) > _LONGEST_OF_CARD or line.endswith((".", "!", "?", ":")) for line in (first, *rest)):
        return False
    is_regards = CLOSING.match(first) is not None and _THANKS.match(first) is None
    return len(rest) <= _LINES_OF_CARD and (is_regards or (bool(name) and first == name))


def _plain(line: str) -> str:
    """A line as it looks: one kind of blank, no invisible letters, full-width signs as plain ones."""
    folded = unicodedata.normalize("NFKC", line)
    return " ".join(_INVISIBLE.sub("", folded).split())
