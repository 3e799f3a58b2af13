"""What is read in a mail: the right alternative (RFC 2046 section 5.1.4), decoded, unwrapped (RFC 3676)."""

from __future__ import annotations

import re

from mailproc.mime import charsets, html, transfer
from mailproc.mime.limits import Defects, Limits
from mailproc.mime.parts import Part

_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_PLAIN_TYPES = frozenset({"text/plain", "text/enriched", "text/richtext", "text", "text/x-amp-html"})
_STUB_LETTERS = 300  # a longer plain part is a text of its own
# A plain part that only says: look at the HTML.
_STUB = re.compile(
    r"(?:view|read|see|display|anzeig|ansehen|voir|ver|visualiz|vis)\w*\b.{0,120}\bhtml\b"
    r"|\bhtml\b.{0,120}(?:view|read|support|capable|enabled|client|format|anzeig|version)"
    r"|(?:view|open|read)\b.{0,60}\b(?:in|with)\b.{0,30}\bbrowser\b"
    r"|im browser (?:ansehen|öffnen|anzeigen)|dans (?:votre|le) navigateur|en (?:su|el|tu) navegador",
    re.IGNORECASE | re.DOTALL,
)
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]+")
_LINE_END = re.compile(r"\r+\n|\r|\u2028|\u2029|\x85")
_QUOTE_DEPTH = re.compile(r">*")


def is_attached(part: Part) -> bool:
    """True for a part that a mail client shows as a file, not as text."""
    if part.disposition.value == "attachment":
        return True
    if part.type in _HTML_TYPES or part.type in _PLAIN_TYPES:
        return bool(part.file_name) and part.depth > 0 and not _is_alternative(part)
    return not part.is_multipart


def _is_alternative(part: Part) -> bool:
    return part.parent is not None and part.parent.type == "multipart/alternative"


def shown_parts(parts: tuple[Part, ...], limits: Limits, defects: Defects) -> list[Part]:
    """The text parts to read, one of each alternative."""
    alternatives: dict[Part, list[Part]] = {}
    shown: list[Part] = []
    for part in parts:
        if part.is_multipart or is_attached(part):
            continue
        branch = _alternative_above(part)
        if branch is None:
            shown.append(part)
        else:
            if branch not in alternatives:
                alternatives[branch] = []
                shown.append(branch)
            alternatives[branch].append(part)
    found: list[Part] = []
    for part in shown:
        found += _best(alternatives[part], limits, defects) if part in alternatives else [part]
    return found


def _alternative_above(part: Part) -> Part | None:
    """The outermost multipart/alternative around a part."""
    outermost, above = None, part.parent
    while above is not None:
        if above.type == "multipart/alternative":
            outermost = above
        above = above.parent
    return outermost


def _best(parts: list[Part], limits: Limits, defects: Defects) -> list[Part]:
    plain = [part for part in parts if part.type not in _HTML_TYPES]
    rich = [part for part in parts if part.type in _HTML_TYPES]
    if not plain or not rich:
        return plain or rich
    text = "\n".join(part_text(part, limits, defects) for part in plain).strip()
    is_stub = len(text) < _STUB_LETTERS and _STUB.search(text) is not None
    return rich if not text or is_stub else plain


def part_text(part: Part, limits: Limits, defects: Defects) -> str:
    """The text of one part, HTML as text; lines end with LF."""
    source = part_source(part, limits, defects)
    if part.type in _HTML_TYPES or (part.type not in _PLAIN_TYPES and _looks_like_html(source)):
        return html.to_text(source, limits, defects)
    if part.type == "text/enriched":
        return _without_enrichment(source)
    text = clean(source)
    if part.parameters.get("format", "").lower() == "flowed":
        text = unflow(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
    return text


def part_source(part: Part, limits: Limits, defects: Defects) -> str:
    """The decoded source of a text part, cut at the limit."""
    octets = part.content
    if len(octets) > limits.text:
        defects.note("text is too large: cut")
        octets = octets[: limits.text]
    charset = part.charset or (_charset_in_html(octets) if part.type in _HTML_TYPES else "")
    return charsets.decode(octets, charset, defects)


_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}charset\s*=\s*[\"']?([\w-]{1,40})", re.IGNORECASE)


def _charset_in_html(octets: bytes) -> str:
    match = _META_CHARSET.search(octets[:4096])
    return match[1].decode("ascii", "replace") if match else ""


def _looks_like_html(source: str) -> bool:
    return source[:200].lstrip().lower().startswith(("<!doctype html", "<html"))


_ENRICHED_TAG = re.compile(r"<(?!<)/?[a-zA-Z-]{1,60}>(?:<param>[^<]{0,200}</param>)?")


def _without_enrichment(source: str) -> str:
    """Enriched text (RFC 1896) without its commands; one line end is a space there, n are n - 1."""
    text = _ENRICHED_TAG.sub("", clean(source)).replace("<<", "<")
    return re.sub(r"\n(\n*)", lambda match: match[1] or " ", text)


def clean(text: str) -> str:
    """Lines end with LF; control characters that no text needs are gone."""
    text = text.replace("\r\n", "\n")
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text  # as nearly always, and twenty times faster found out than by a pattern
    return _NO_TEXT.sub("", _LINE_END.sub("\n", text))


def unflow(text: str, *, delete_space: bool) -> str:
    """Join the lines of format=flowed (RFC 3676 section 4.4); each paragraph keeps its quote marks once."""
    lines: list[str] = []
    paragraph: list[str] = []
    flowing, last_depth = False, 0
    for line in text.split("\n"):
        depth = len(_QUOTE_DEPTH.match(line)[0])  # type: ignore[index]
        content = line[depth:].removeprefix(" ") if depth else line.removeprefix(" ")
        if not (flowing and depth == last_depth and content != "-- "):
            _finish(lines, paragraph, last_depth)
        flowing = content.endswith(" ") and content != "-- "
        paragraph.append(content[:-1] if flowing and delete_space else content)
        last_depth = depth
    _finish(lines, paragraph, last_depth)
    return "\n".join(lines)


def _finish(lines: list[str], paragraph: list[str], depth: int) -> None:
    if paragraph:
        quote = ">" * depth + " " if depth else ""
        joined = "".join(paragraph)
        lines.append(quote + joined if joined == "-- " else (quote + joined).rstrip())
        paragraph.clear()


def without_files(part: Part, limits: Limits, defects: Defects) -> tuple[str, list[transfer.UuFile]]:
    """The text of a plain part without the files that stand uuencoded in it, and these files."""
    if part.type != "text/plain" or b"\nend" not in part.content or b"begin" not in part.content:
        return part_text(part, limits, defects), []
    files = transfer.uu_files(part.content)
    if not files:
        return part_text(part, limits, defects), []
    text, position = b"", 0
    for file in files:
        text += part.content[position : file.start]
        position = file.end
    text += part.content[position:]
    return clean(charsets.decode(text[: limits.text], part.charset, defects)), files
