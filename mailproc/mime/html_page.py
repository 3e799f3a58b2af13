"""The lines of an HTML part as a person sees them, and their places in its source.

A line is what stands between two ``<br>``, block elements, or line ends in ``<pre>``; what stands in a
``<blockquote>`` that a mail client made begins with ``> ``.  A change takes out or puts in text, ``<br>`` and
whole elements, so that tags which were balanced stay so.  Everything else of the source is kept, and a source
over ``MAX_SOURCE`` characters has no lines.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape

from mailproc.mime.html_tokens import Kind, Token, tokens
from mailproc.mime.lazy import lazy
from mailproc.mime.page import Edit, Passage

MAX_SOURCE = 8_388_608  # characters; pictures in attributes make big ones

_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dir", "div", "dl", "dt",
    "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "html", "li",
    "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
_UNSEEN = frozenset({"head", "object", "select", "svg"})  # and what html_tokens takes as a whole
_VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "wbr",
})  # fmt: skip
_THINGS = frozenset({"img", "hr", "embed", "input", "video", "audio", "iframe", "object", "svg"})
_PLAIN = frozenset({"p", "div"})
_PHRASING_ONLY = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre"})
_WHOLE = _PLAIN | _PHRASING_ONLY | {"li", "ul", "ol"}  # go when nothing is left in them
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_INDENT = re.compile(r"margin[^\"]*border\s*:\s*none|border\s*:\s*none[^\"]*margin", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"<(?:{'|'.join(sorted(_BLOCKS))})\b", re.IGNORECASE)
_ID = re.compile(r"""\s+id\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f]+")

_Span = tuple[int, int]


@dataclass(slots=True)
class _Element:
    """A block element: its tags, and which lines stand in it."""

    name: str
    open: _Span
    parent: _Element | None
    first: int  # number of the first line that may stand in it
    quotes: int
    preformatted: bool
    close: _Span | None = None
    after: int = -1  # number of the first line behind it
    things: bool = False  # a picture or the like stands in it


@dataclass(slots=True)
class _Line:
    """One line: the places of its text, and of the ``<br>`` that ends it."""

    element: _Element | None
    begin: int  # behind the tag that ended what stood before
    end: int = 0  # behind its own <br>, or before the tag that ends it
    text: str = ""
    spans: list[_Span] = field(default_factory=list)
    br: _Span | None = None


@dataclass(frozen=True)
class HtmlPage:
    """``source`` is the decoded part."""

    source: str

    @lazy
    def _layout(self) -> _Layout:
        layout = _Layout(self.source)
        if len(self.source) <= MAX_SOURCE:
            layout.read()
        return layout

    @lazy
    def lines(self) -> tuple[str, ...]:
        return tuple(_seen(line) for line in self._layout.lines)

    def edited(self, edits: Mapping[int, Edit]) -> str:
        changes: list[tuple[int, int, str]] = []
        gone = {number for number, edit in edits.items() if edit.removed and edit.instead is None}
        changes += [(start, end, "") for start, end in self._layout.without(gone)]
        for number, edit in edits.items():
            line = self._layout.lines[number]
            if edit.instead is not None:
                changes += self._replaced(line, edit.instead)
            if edit.above is not None:
                changes.append(self._above(number, edit.above))
            if edit.below is not None:
                changes.append(self._below(number, edit.below))
        return _applied(self.source, changes)

    def _replaced(self, line: _Line, passage: Passage) -> Iterator[tuple[int, int, str]]:
        """The text goes; what comes stands in the same paragraph, or in a div where it has blocks."""
        element, written = line.element, passage.as_html
        if element and element.close and element.name in _PHRASING_ONLY and _BLOCK_TAG.search(written):
            if element.after - element.first == 1:
                yield element.open[0], element.close[1], f"<div>{written}</div>"
                return
            written = f"</{element.name}><div>{written}</div>{self._opened(element)}"
        (start, end), *others = line.spans
        yield start, end, written
        yield from ((start, end, "") for start, end in others)

    def _above(self, number: int, passage: Passage) -> tuple[int, int, str]:
        line = self._layout.lines[number]
        beside = _neighbour(line.element, lambda element: element.first == number)
        if beside is None:
            return line.begin, line.begin, f"{passage.as_html}<br><br>"
        paragraph, blank = self._paragraphs(beside, passage.as_html)
        return beside.open[0], beside.open[0], paragraph + blank

    def _below(self, number: int, passage: Passage) -> tuple[int, int, str]:
        line = self._layout.lines[number]
        beside = _neighbour(line.element, lambda element: element.after == number + 1)
        if beside is None or beside.close is None:
            br = "" if line.br else "<br>"
            return line.end, line.end, f"{br}<br>{passage.as_html}<br>"
        paragraph, blank = self._paragraphs(beside, passage.as_html)
        return beside.close[1], beside.close[1], blank + paragraph

    def _paragraphs(self, beside: _Element, written: str) -> tuple[str, str]:
        """A paragraph of the same kind, and an empty one that parts the two."""
        name = beside.name if beside.name in _PLAIN and not _BLOCK_TAG.search(written) else "div"
        opened = self._opened(beside) if beside.name == name else "<div>"
        return f"{opened}{written}</{name}>", f"{opened}<br></{name}>"

    def _opened(self, element: _Element) -> str:
        return _ID.sub("", self.source[slice(*element.open)])


@dataclass(slots=True)
class _Layout:
    """Walks the tokens once and lays out the lines."""

    source: str
    lines: list[_Line] = field(default_factory=list)
    _line: _Line = field(default_factory=lambda: _Line(None, 0))
    _block: _Element | None = None
    _unseen: list[str] = field(default_factory=list)  # open elements, the outermost is not to be seen
    _elements: list[_Element] = field(default_factory=list)
    _opened: Counter[str] = field(default_factory=Counter)  # how many elements of a name are open

    def read(self) -> None:
        for token in tokens(self.source):
            if self._unseen:
                self._pass_by(token)
            elif token.kind is Kind.TEXT:
                self._text(token)
            elif token.kind is Kind.OPEN:
                self._open(token)
            elif token.kind is Kind.CLOSE and token.name in _BLOCKS:
                self._close(token)
        self._end_line(len(self.source))
        while self._block is not None:
            self._leave(self._block, None)

    def without(self, gone: set[int]) -> list[_Span]:
        """What to take out so that these lines are gone: whole elements where nothing else stands in them."""
        whole = [
            (element.open[0], element.close[1])
            for element in self._elements
            if element.close is not None
            and element.name in _WHOLE
            and not element.things
            and element.first < element.after
            and gone.issuperset(range(element.first, element.after))
        ]
        spans = [span for number in sorted(gone) for span in self._spans(number)]
        return _outermost([*whole, *spans])

    def _spans(self, number: int) -> list[_Span]:
        line = self.lines[number]
        return [*line.spans, *([line.br] if line.br else [])]

    def _pass_by(self, token: Token) -> None:
        if token.kind is Kind.OPEN and token.name not in _VOID and not token.attributes.endswith("/"):
            if token.name == self._unseen[0]:
                self._unseen.append(token.name)
        elif token.kind is Kind.CLOSE and token.name == self._unseen[-1]:
            self._unseen.pop()
            if not self._unseen and not self._line.spans:
                self._line.begin = token.end

    def _open(self, token: Token) -> None:
        if token.name in _THINGS:
            self._thing()
        if token.name == "br":
            self._line.br = (token.start, token.end)
            self._end_line(token.end)
        elif token.name not in _VOID and (token.name in _UNSEEN or _is_hidden(token)):
            self._unseen.append(token.name)
        elif token.name in _BLOCKS:
            self._end_line(token.start)
            if token.name == "p" and self._block and self._block.name == "p":
                self._leave(self._block, None)
            self._enter(token)

    def _thing(self) -> None:
        element = self._block
        while element is not None and not element.things:
            element.things = True
            element = element.parent

    def _enter(self, token: Token) -> None:
        above = self._block
        self._block = _Element(
            token.name,
            (token.start, token.end),
            above,
            len(self.lines),
            (above.quotes if above else 0) + _is_quote(token),
            token.name == "pre" or (above is not None and above.preformatted),
        )
        self._elements.append(self._block)
        self._opened[token.name] += 1
        self._line = _Line(self._block, token.end)

    def _close(self, token: Token) -> None:
        """What was left open inside of it is closed too; an end tag of nothing ends only the line."""
        self._end_line(token.start)
        is_open = self._opened[token.name] > 0
        while is_open and self._block is not None:
            is_open = self._block.name != token.name
            self._leave(self._block, None if is_open else (token.start, token.end))
        self._line.begin = token.end

    def _leave(self, element: _Element, close: _Span | None) -> None:
        element.close = close
        element.after = len(self.lines)
        self._opened[element.name] -= 1
        self._block = element.parent
        self._line = _Line(self._block, self._line.begin)

    def _text(self, token: Token) -> None:
        if not (self._block and self._block.preformatted):
            self._add(token.start, token.end)
            return
        start = token.start
        for found in re.finditer(r"\r?\n", self.source[token.start : token.end]):
            self._add(start, token.start + found.start())
            self._line.br = (token.start + found.start(), token.start + found.end())
            start = token.start + found.end()
            self._end_line(start)
        self._add(start, token.end)

    def _add(self, start: int, end: int) -> None:
        text = self.source[start:end]
        if text.strip(" \t\r\n\f"):
            self._line.text += unescape(text)
            self._line.spans.append((start, end))
        elif text and self._line.spans:
            self._line.text += " "

    def _end_line(self, position: int) -> None:
        if self._line.spans or self._line.br:
            self._line.end = position
            self.lines.append(self._line)
        self._line = _Line(self._block, position)


def _neighbour(element: _Element | None, is_at_edge: Callable[[_Element], bool]) -> _Element | None:
    """Beside which element a new paragraph can stand: the line's own, or the whole list or heading around."""
    found = None
    while element and element.close and element.name in _WHOLE and is_at_edge(element):
        found = element
        if element.name in _PLAIN:
            break
        element = element.parent
    return found


def _seen(line: _Line) -> str:
    """Blanks collapsed, marks of a quote in front."""
    quotes = min(line.element.quotes, 10) if line.element else 0
    return "> " * quotes + _SPACE.sub(" ", line.text).strip(" ")


def _is_hidden(token: Token) -> bool:
    return "style" in token.attributes and _HIDDEN.search(token.attributes) is not None


def _is_quote(token: Token) -> bool:
    """Every blockquote that a mail client made; one without border only indents."""
    return token.name == "blockquote" and not _INDENT.search(token.attributes)


def _outermost(spans: Sequence[_Span]) -> list[_Span]:
    """The spans that stand in no other of them."""
    kept: list[_Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


def _applied(source: str, changes: Sequence[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    kept = 0
    for start, end, new in sorted(changes, key=lambda change: change[:2]):
        pieces += source[kept:start], new
        kept = max(kept, end)
    return "".join([*pieces, source[kept:]])
