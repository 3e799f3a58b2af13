"""HTML to the text that a person would read: blocks, lists, links, and quotes marked with ">".

The source is cut and its nesting measured before the parser (lexbor, by selectolax) sees it: deep nesting
costs it quadratic time.  What is nested too deep is stripped of its tags without a parser.  Nothing raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING

from mailproc.mime.limits import Defects, Limits

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_INVISIBLE = frozenset({
    "head", "script", "style", "title", "meta", "link", "template", "noscript", "object", "svg", "iframe",
    "select", "textarea", "button", "canvas", "audio", "video", "map", "-comment",
})  # fmt: skip
_BLOCKS = frozenset({
    "address", "article", "aside", "body", "center", "dd", "details", "dir", "div", "dl", "dt", "fieldset",
    "figure", "footer", "form", "header", "html", "main", "nav", "ol", "section", "table", "tbody", "tfoot",
    "thead", "tr", "ul",
})  # fmt: skip
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"})
_CELLS = frozenset({"td", "th"})
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
# Elements that close themselves, or that HTML closes for a sloppy author: their count says nothing of depth.
_NO_DEPTH = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr", "param",
    "p", "li", "td", "th", "tr", "dd", "dt", "option", "tbody", "thead", "tfoot",
})  # fmt: skip
_SPACE = re.compile(r"[ \t\r\n\f\u200b\u200c\ufeff\u00ad]+")
_BLANKS = re.compile(r"[ \t\u00a0]+")
_SCRIPT = re.compile(r"<(script|style|head|title)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
_BREAK = re.compile(r"<(?:br|p|/p|div|/div|tr|li|h[1-6])\b[^<>]{0,2000}>", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)


def to_text(source: str, limits: Limits, defects: Defects) -> str:
    """The text of an HTML document; quoted blocks begin with "> " on each line."""
    if len(source) > limits.html:
        defects.note("HTML is too large: cut")
        source = source[: limits.html]
    if _depth(source) > limits.html_depth:
        defects.note("HTML is nested too deep: read without its structure")
        return _without_tags(source)
    from selectolax.lexbor import LexborHTMLParser  # native code that only HTML mail needs

    try:
        root = LexborHTMLParser(source).root
    except Exception:  # the parser's own errors; there is always the plain way
        defects.note("HTML could not be parsed")
        return _without_tags(source)
    return _Writer().write(root) if root is not None else ""


def _depth(source: str) -> int:
    """How deep elements are nested at most, by counting tags."""
    depth = deepest = 0
    for match in _TAG.finditer(source):
        if match[2].lower() in _NO_DEPTH:
            continue
        depth = max(depth - 1, 0) if match[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _without_tags(source: str) -> str:
    source = _SCRIPT.sub(" ", source) if source.count("<") < 10_000 else source
    text = unescape(_ANY_TAG.sub(" ", _BREAK.sub("\n", source)))
    return "\n".join(line for line in (_BLANKS.sub(" ", line).strip() for line in text.split("\n")) if line)


@dataclass(slots=True)
class _Writer:
    """Walks the tree without recursion and collects lines."""

    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    quotes: int = 0
    preformatted: int = 0
    blank: bool = True  # a blank line, or the beginning, came last
    marker: str = ""  # of a list item that waits for its first word

    def write(self, root: LexborNode) -> str:
        node: LexborNode | None = root
        while node is not None:
            child = node.child if self._enter(node) else None
            node = child if child is not None else self._next(node, root)
        self._end_line()
        return "\n".join(self.lines).strip("\n")

    def _next(self, node: LexborNode, root: LexborNode) -> LexborNode | None:
        current: LexborNode | None = node
        while current is not None:
            self._leave(current)
            if current.mem_id == root.mem_id:  # comparing nodes would compare their whole source
                return None
            if (following := current.next) is not None:
                return following
            current = current.parent
        return None

    def _enter(self, node: LexborNode) -> bool:
        """Write what stands at the node's beginning; True when its children are to be read."""
        tag = node.tag or ""
        if tag == "-text":
            self._text(node.text_content or "")
            return False
        if tag in _INVISIBLE or (tag not in _NO_STYLE and _is_hidden(node)):
            return False
        self._open(tag, node)
        return True

    def _open(self, tag: str, node: LexborNode) -> None:
        if tag == "br":
            self._end_line(keep_empty=True)
        elif tag in _PARAGRAPHS:
            self._paragraph()
            self.quotes += _quotes(tag, node)
            self.preformatted += tag == "pre"
        elif tag in _BLOCKS:
            self._end_line()
            self.quotes += _quotes(tag, node)
        elif tag == "li":
            self._end_line()
            self.marker = "- "
        elif tag == "hr":
            self._end_line()
            self.line.append("-" * 8)
            self._end_line()
        elif tag == "img":
            self._text(f" {alt} " if (alt := (node.attributes.get("alt") or "").strip()[:200]) else "")

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "-text" or tag in _INVISIBLE:
            return
        if tag in _PARAGRAPHS:
            self._end_line()
            self.quotes -= self._was_quote(tag, node)
            self.preformatted -= tag == "pre" and self.preformatted > 0
            self._paragraph()
        elif tag in _BLOCKS or tag == "li":
            self._end_line()
            self.quotes -= self._was_quote(tag, node)
        elif tag in _CELLS:
            self.line.append(" ")
        elif tag == "a":
            self._link(node)

    def _was_quote(self, tag: str, node: LexborNode) -> int:
        return 1 if self.quotes and not _is_hidden(node) and _quotes(tag, node) else 0

    def _text(self, text: str) -> None:
        if self.preformatted:
            first, *rest = text.replace("\r", "").split("\n")
            self.line.append(first)
            for line in rest:
                self._end_line(keep_empty=True)
                self.line.append(line)
        elif text:
            self.line.append(_SPACE.sub(" ", text))

    def _link(self, node: LexborNode) -> None:
        """The target of a link stands behind its text where the text does not say it."""
        target = (node.attributes.get("href") or "").strip()
        if not target.lower().startswith(("http://", "https://")) or len(target) > 500:
            return
        shown = "".join(self.line[-5:]).rstrip()
        bare = target.partition("://")[2].rstrip("/")
        if shown and bare not in shown:
            self.line.append(f" <{target}>")

    def _paragraph(self) -> None:
        self._end_line()
        if not self.blank:
            self._add("")
        elif self.lines:  # a quote may have ended since
            self.lines[-1] = self._quoted("")

    def _end_line(self, *, keep_empty: bool = False) -> None:
        text = "".join(self.line)
        self.line.clear()
        text = text.rstrip() if self.preformatted else _BLANKS.sub(" ", text).strip()
        if text:
            self._add(self.marker + text)
            self.marker = ""
        elif keep_empty and not self.blank:
            self._add("")

    def _add(self, text: str) -> None:
        self.blank = not text
        self.lines.append(self._quoted(text))

    def _quoted(self, text: str) -> str:
        return ("> " * min(self.quotes, 10) + text).rstrip() if self.quotes else text


_NO_STYLE = frozenset({"br", "b", "i", "strong", "em", "hr", "html"})


def _is_hidden(node: LexborNode) -> bool:
    style = node.attributes.get("style")
    return bool(style) and _HIDDEN.search(style or "") is not None


def _quotes(tag: str, node: LexborNode) -> int:
    """1 where a block is somebody else's text: every blockquote that a mail client made."""
    if tag != "blockquote":
        return 0
    style = node.attributes.get("style") or ""
    # Clients once indented plain text by blockquote; such a block has no border and no cite.
    return 0 if "margin" in style and "border" in style and "border:none" in style.replace(" ", "") else 1
