"""Standard answers: templates from files and from mails, and what they say for one ticket.

A file is ``NAME.txt`` or ``NAME.LANGUAGE.txt``, with the same name and ``.html`` for its HTML, or a whole
mail ``….eml``; a folder ``DESK/`` beside them holds those of one desk.  A mail is named by its subject, by
the same rule.  All are Jinja2 in the sandbox of ``pipeline.template``.  ValueError says what is wrong with
one; ``NotExpanded``, whose text may be shown to the agent, says why a mail must not go on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape, unescape
from pathlib import Path

from mailproc.mime.html import to_text
from mailproc.mime.html_page import HtmlPage
from mailproc.mime.insert import NAME, Insert
from mailproc.mime.limits import DEFAULT_LIMITS, Defects
from mailproc.mime.page import Edit
from mailproc.mime.reader import Mail, read
from mailproc.mime.sealed import seal_of
from mailproc.mime.surgery import normalise_newlines
from mailproc.mime.text import is_attached
from mailproc.pipeline.template import Value, compile_template

# What a template of an answer may ask for; ``desk.letter.letter_values`` fills it in.
_SAMPLE: dict[str, Value] = {
    "address": "support@example.org",
    "agent": "Alice Ang",
    "customer": {"name": "Carla Customer", "address": "carla@example.com"},
    "desk": "Example Support",
    "language": "en",
    "login": "alice",
    "notes": {},
    "number": "2026112100017",
    "subject": "Printer on fire",
    "tag": "[T#2026112100017-k7q2mx]",
    "topic": "",
}
NAMES = frozenset(_SAMPLE)
_NOTE = re.compile(r"\bnotes(?:\.(\w+)|\[\s*['\"]([^'\"]+)['\"]\s*\])")
_NAME = re.compile(rf"(?:::\s?)?({NAME}?)(?:\.([a-z]{{2}}(?:-[a-z]{{2,4}})?)|\s?\(([a-z-]{{2,7}})\))?")
_SIGNATURE = re.compile(r"^--[ \u00a0]?$", re.MULTILINE)
_BODY = re.compile(r"<body\b[^>]*>(.*?)(?:</body\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_BRACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")


class NotExpanded(ValueError):
    """No such standard answer, or it cannot be filled in."""


@dataclass(frozen=True, slots=True)
class Canned:
    """One standard answer in one language ("": in any); ``text`` and ``html`` are Jinja2."""

    name: str  # lower case
    text: str
    html: str = ""  # "" where there is only text
    language: str = ""
    attachments: tuple[bytes, ...] = ()  # whole MIME entities with CRLF
    desk: str = ""  # whose it is; "": every desk's

    @property
    def title(self) -> str:
        return f"{self.name}.{self.language}" if self.language else self.name


def read_title(title: str) -> tuple[str, str]:
    """The name and the language in ``refund``, ``refund.de`` or ``Refund (de)``; ValueError for others."""
    match = _NAME.fullmatch(" ".join(title.split()).lower())
    if match is None:
        raise ValueError(f'"{title}" is no name of a standard answer: use letters, digits, ".", "_" and "-"')
    return match[1], match[2] or match[3] or ""


def canned_from_mail(raw: bytes) -> Canned:
    """The standard answer that a mail is; its signature is left out, its files go with it."""
    mail = read(normalise_newlines(raw))
    name, language = read_title(mail.subject)
    if seal := seal_of(mail):
        raise ValueError(f"{name}: a standard answer cannot be {seal}")
    canned = Canned(name, _text(mail.text), _html(mail.html), language, tuple(_files(mail)))
    if not (canned.text or canned.attachments):
        raise ValueError(f"{name}: there is nothing in it")
    check_canned(canned)
    return canned


def check_canned(canned: Canned) -> None:
    """ValueError where its text or HTML is no template, or asks for what there is not."""
    for kind, source in (("", canned.text), (" (HTML)", canned.html)):
        try:
            check_template(source)
        except ValueError as error:
            raise ValueError(f"{canned.title}{kind}: {error}") from None


def check_template(source: str) -> None:
    """ValueError where a template of an answer fails, tried with the values of a sample."""
    notes: dict[str, Value] = {name: "note" for found in _NOTE.findall(source) for name in found if name}
    compile_template(source, _SAMPLE).render({**_SAMPLE, "notes": notes})


def _text(text: str) -> str:
    signature = _SIGNATURE.search(text)
    return (text[: signature.start()] if signature else text).strip("\n")


def _html(source: str) -> str:
    """What stands in the body, without signature and blank lines around; placeholders freed of markup."""
    page = HtmlPage(source)
    lines = page.lines
    ends = (number for number, line in enumerate(lines) if _SIGNATURE.fullmatch(line))
    end = next(ends, len(lines))
    full = [number for number in range(end) if lines[number].strip()]
    kept = range(full[0], full[-1] + 1) if full else range(0)
    shorter = page.edited({number: Edit(removed=True) for number in range(len(lines)) if number not in kept})
    body = _BODY.search(shorter)
    return _BRACES.sub(_freed, body[1] if body else shorter).strip() if full else ""


def _freed(braces: re.Match[str]) -> str:
    """A mail client writes &quot; and &nbsp; where somebody types a quote or two blanks."""
    return " ".join(unescape(_TAG.sub("", braces[0])).split())


def _files(mail: Mail) -> Iterator[bytes]:
    for part in mail.parts:
        if part.depth and not part.is_multipart and is_attached(part):
            yield mail.raw[part.top : part.end]


# Files


def read_canned(folders: Sequence[str], desks: Collection[str]) -> tuple[Canned, ...]:
    """The standard answers in folders of files; of one title those that count first stand first.

    ValueError tells all mistakes, one a line.
    """
    found: list[Canned] = []
    mistakes: list[str] = []
    for folder in map(Path, folders):
        for desk in desks:
            found += (replace(one, desk=desk) for one in _in_folder(folder / desk, mistakes))
        found += _in_folder(folder, mistakes)
    if mistakes:
        raise ValueError("\n".join(mistakes))
    return tuple(found)


def _in_folder(folder: Path, mistakes: list[str]) -> Iterator[Canned]:
    if not folder.is_dir():
        return
    stems = {path.stem for path in folder.iterdir() if path.suffix in (".txt", ".html", ".eml")}
    for stem in sorted(stems):
        try:
            yield _from_files(folder, stem)
        except (OSError, ValueError) as error:  # UnicodeDecodeError is a ValueError
            mistakes.append(f"{folder / stem}: {error}")


def _from_files(folder: Path, stem: str) -> Canned:
    name, language = read_title(stem)
    mail = folder / f"{stem}.eml"
    if mail.is_file():
        subject = f"Subject: {stem}\r\n".encode()
        renamed = b"".join((subject, normalise_newlines(mail.read_bytes())))
        return replace(canned_from_mail(renamed), name=name, language=language)
    text, html = (_content(folder / f"{stem}{suffix}") for suffix in (".txt", ".html"))
    text = text or to_text(html, DEFAULT_LIMITS, Defects())
    canned = Canned(name, text.strip("\n"), html.strip(), language)
    check_canned(canned)
    return canned


def _content(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


# What they say


def expand(
    names: Iterable[str], canned: Collection[Canned], values: Mapping[str, Value], languages: Sequence[str]
) -> dict[str, Insert]:
    """What stands for each name: ``name`` in the first of ``languages`` that there is, or ``name.de``."""
    chosen = {name: _chosen(name, canned, languages) for name in names}
    if missing := [name for name, one in chosen.items() if one is None]:
        known = ", ".join(sorted({one.title for one in canned})) or "none"
        raise NotExpanded(f"there is no standard answer {', '.join(missing)}; there are: {known}")
    return {name: _filled_in(one, values) for name, one in chosen.items() if one is not None}


def _chosen(name: str, canned: Collection[Canned], languages: Sequence[str]) -> Canned | None:
    by_title = {one.title: one for one in canned}
    wanted = [variant for language in languages for variant in _variants(language)]
    titles = (*(f"{name}.{language}" for language in wanted), name)
    return next((by_title[title] for title in titles if title in by_title), None)


def _variants(language: str) -> tuple[str, ...]:
    """``pt-BR`` asks for ``pt-br`` and then for ``pt``."""
    language = language.lower().replace("_", "-")
    return tuple(dict.fromkeys((language, language.partition("-")[0]))) if language else ()


def _filled_in(canned: Canned, values: Mapping[str, Value]) -> Insert:
    try:
        text = compile_template(canned.text, NAMES).render(values)
        html = compile_template(canned.html, NAMES).render(_spelled(values))
    except ValueError as error:
        raise NotExpanded(f"the standard answer {canned.title} cannot be filled in: {error}") from None
    return Insert(text.strip("\n"), html, canned.attachments)


def _spelled(values: Mapping[str, Value]) -> dict[str, Value]:
    """The values as they are written in HTML."""
    return {name: _in_html(value) for name, value in values.items()}


def _in_html(value: Value) -> Value:
    if isinstance(value, str):
        return escape(value).replace("\n", "<br>")
    if isinstance(value, Mapping):
        return {str(name): _in_html(item) for name, item in value.items()}
    if isinstance(value, Sequence):
        return [_in_html(item) for item in value]
    return value
