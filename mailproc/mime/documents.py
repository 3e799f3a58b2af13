"""The text of attached documents: PDF, the office formats, HTML, calendars, mails; of archives the names in
them.

Meant to run in a child process (mime/document_child.py): a document may be built to cost a reader all its
time and memory. So what is unpacked is counted, XML with a document type is refused (entities can grow
without end), and nothing is written. ``text_of`` raises ``Unreadable``, and whatever a broken document
makes the libraries raise.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from xml.parsers import expat

from mailproc.mime import charsets, html
from mailproc.mime.document_calendar import calendar_text
from mailproc.mime.document_kinds import MOST_TEXT
from mailproc.mime.limits import DEFAULT_LIMITS, MIB, Defects
from mailproc.mime.reader import read

MOST_UNPACKED = 16 * MIB  # of one document, in bytes
MOST_PAGES = 100
MOST_NAMES = 200  # of files in an archive


class Unreadable(Exception):
    """A document that is not read, and why."""


def text_of(kind: str, content: bytes) -> str:
    """The text of a document of this kind, at most ``MOST_TEXT`` characters."""
    pieces: list[str] = []
    left = MOST_TEXT
    for piece in _READERS[kind](content):
        pieces.append(piece[:left])
        left -= len(piece)
        if left <= 0:
            break
    return "".join(pieces).strip()


def _pdf(content: bytes) -> Iterator[str]:
    try:
        import pypdfium2  # type: ignore[import-untyped,import-not-found,unused-ignore]  # the extra "attachments"
    except ImportError:
        raise Unreadable("PDF needs pypdfium2: pip install mailproc[attachments]") from None
    document = pypdfium2.PdfDocument(content)
    for number in range(min(len(document), MOST_PAGES)):
        yield document[number].get_textpage().get_text_bounded().replace("\r\n", "\n")
        yield "\n"


class _Zip:
    """The members of a zip file, read in memory and counted."""

    def __init__(self, content: bytes) -> None:
        self._file = zipfile.ZipFile(io.BytesIO(content))
        self._left = MOST_UNPACKED

    def names(self) -> list[str]:
        return self._file.namelist()

    def read(self, name: str) -> bytes:
        with self._file.open(name) as member:
            unpacked = member.read(self._left + 1)
        self._left -= len(unpacked)
        if self._left < 0:
            raise Unreadable(f"unpacks to more than {MOST_UNPACKED} bytes")
        return unpacked


def _docx(content: bytes) -> Iterator[str]:
    package = _Zip(content)
    parts = ["word/document.xml", "word/footnotes.xml", "word/comments.xml"]
    for part in parts[:1] + [part for part in parts[1:] if part in package.names()]:
        yield from _xml_text(
            package.read(part), texts={"w:t"}, ends={"w:p": "\n", "w:tab": "\t", "w:br": "\n"}
        )


def _pptx(content: bytes) -> Iterator[str]:
    package = _Zip(content)
    slides = [name for name in package.names() if name.startswith("ppt/slides/slide")]
    for slide in sorted(slides, key=lambda name: (len(name), name)):
        yield from _xml_text(package.read(slide), texts={"a:t"}, ends={"a:p": "\n"})


def _xlsx(content: bytes) -> Iterator[str]:
    package = _Zip(content)
    names = package.names()
    if "xl/sharedStrings.xml" in names:
        yield from _xml_text(package.read("xl/sharedStrings.xml"), texts={"t"}, ends={"si": "\n"})
    sheets = [name for name in names if name.startswith("xl/worksheets/sheet")]
    for sheet in sorted(sheets, key=lambda name: (len(name), name)):
        yield from _xml_text(package.read(sheet), texts={"t"}, ends={"is": "\n"})


def _odf(content: bytes) -> Iterator[str]:
    ends = {"text:p": "\n", "text:h": "\n", "text:tab": "\t", "text:s": " ", "text:line-break": "\n"}
    yield from _xml_text(_Zip(content).read("content.xml"), texts={"text:p", "text:h"}, ends=ends)


def _xml_text(source: bytes, *, texts: set[str], ends: dict[str, str]) -> list[str]:
    """What stands in elements of these names; ``ends`` says what follows an element."""
    pieces: list[str] = []
    depth = 0

    def start(name: str, _: object) -> None:
        nonlocal depth
        depth += name in texts

    def end(name: str) -> None:
        nonlocal depth
        depth -= name in texts
        if name in ends:
            pieces.append(ends[name])

    def text(characters: str) -> None:
        if depth:
            pieces.append(characters)

    def refuse(*_: object) -> None:
        raise Unreadable("XML with a document type")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, refuse
    parser.Parse(source, True)
    return pieces


def _html(content: bytes) -> Iterator[str]:
    defects = Defects()
    source = charsets.decode(content[: DEFAULT_LIMITS.html], "", defects)
    yield html.to_text(source, DEFAULT_LIMITS, defects)


def _ics(content: bytes) -> Iterator[str]:
    yield calendar_text(charsets.decode(content[:MIB], "utf-8", Defects()))


def _mail(content: bytes) -> Iterator[str]:
    mail = read(content)
    yield f"{mail.subject}\n\n"
    yield mail.text
    for file in mail.attachments:
        yield f"\n{file.name}"


def _zip(content: bytes) -> Iterator[str]:
    for name in _Zip(content).names()[:MOST_NAMES]:
        yield f"{name}\n"


def _tar(content: bytes) -> Iterator[str]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r|*") as archive:
        for number, member in enumerate(archive):
            if number >= MOST_NAMES or archive.fileobj.tell() > MOST_UNPACKED:
                return
            yield f"{member.name}\n"


_READERS: dict[str, Callable[[bytes], Iterator[str]]] = {
    "pdf": _pdf,
    "docx": _docx,
    "pptx": _pptx,
    "xlsx": _xlsx,
    "odf": _odf,
    "html": _html,
    "ics": _ics,
    "mail": _mail,
    "zip": _zip,
    "tar": _tar,
}
