"""The text parts of a mail that its author wrote: found, decoded, and put back changed.

What is put back keeps its charset and its transfer encoding where they can hold the new text; otherwise the
part becomes UTF-8 and quoted-printable, and its header fields say so.  Everything outside of the changed
parts stays as it is, octet for octet.  Nothing raises for what a mail holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailproc.mime import charsets
from mailproc.mime.html_page import HtmlPage
from mailproc.mime.page import Page
from mailproc.mime.parts import Part
from mailproc.mime.plain_page import PlainPage
from mailproc.mime.reader import Mail
from mailproc.mime.sevenbit import base64_lines, has_long_line, is_seven_bit, quoted_printable
from mailproc.mime.surgery import fields as all_fields
from mailproc.mime.surgery import header_end, prepend, replace
from mailproc.mime.text import is_attached
from mailproc.mime.tnef import is_tnef
from mailproc.mime.transfer import UNENCODED

_META_CHARSET = re.compile(r"(?i)(<meta[^<>]{0,200}charset\s*=\s*[\"']?)([\w-]{1,40})")
_CHARSET = re.compile(rb"(?i)(;\s*charset\s*=\s*)(?:\"[^\"]*\"|[^\s;]+)")
_HTML = "text/html"
_OCTETS = "surrogateescape"  # what is in no charset comes back as the octets that it was


@dataclass(frozen=True, eq=False)
class Written:
    """One text part, and its lines."""

    part: Part
    page: Page
    codec: str  # that gives these octets again


Change = tuple[Written, str]  # a part and its new source


def versions(mail: Mail) -> tuple[tuple[Written, ...], ...]:
    """What the author wrote, as plain text and as HTML: the parts of each, in order; empty ones left out.

    Clients that put files between paragraphs write several parts.  ``mail`` has CRLF line ends.
    """
    shown = [part for part in mail.parts if not is_attached(part)]
    both = ([part for part in shown if part.type == kind] for kind in ("text/plain", _HTML))
    found = (tuple(map(_written, parts)) for parts in both)
    return tuple(parts for parts in found if any("".join(part.page.lines).strip() for part in parts))


def other_version(mail: Mail) -> str:
    """The type of a part that says the same in a form that is not read here; "" where there is none."""
    for part in mail.parts:
        if is_tnef(part.type, part.file_name):
            return part.type
        is_alternative = part.parent is not None and part.parent.type == "multipart/alternative"
        known = part.is_multipart or part.type in ("text/plain", _HTML)
        if is_alternative and not known:
            return part.type
    return ""


def put_back(mail: Mail, changes: Iterable[Change]) -> bytes:
    """The mail with the new sources in the place of the old ones."""
    raw = mail.raw
    for written, source in sorted(changes, key=lambda change: -change[0].part.start):
        if source != written.page.source:
            part = written.part
            raw = raw[: part.top] + _entity(written, source) + raw[part.end :]
    return raw


def _written(part: Part) -> Written:
    content = part.content
    declared = charsets.codec_of(part.charset or (_meta_charset(content) if part.type == _HTML else ""))
    codec = declared or ("ascii" if content.isascii() else "utf_8")
    source = _decoded(content, codec)
    if source is None:
        codec = "utf_8"
        source = charsets.decode(content, part.charset, part.defects)
    flowed = part.parameters.get("format", "").lower() == "flowed"
    return Written(part, HtmlPage(source) if part.type == _HTML else PlainPage(source, flowed), codec)


def _decoded(content: bytes, codec: str) -> str | None:
    """The text that gives these octets again; None where there is none, as ISO 2022 has several ways."""
    try:
        source = content.decode(codec, _OCTETS)
    except UnicodeError:  # octets that not even half a letter can stand for, as in UTF-16
        return None
    return source if _encoded(source, codec) == content else None


def _meta_charset(content: bytes) -> str:
    match = _META_CHARSET.search(content[:4096].decode("latin-1"))
    return match[2] if match else ""


def _encoded(source: str, codec: str) -> bytes | None:
    try:
        return source.encode(codec, _OCTETS)
    except UnicodeError:
        return None


def _entity(written: Written, source: str) -> bytes:
    """The part with its header, as it stands in the mail."""
    part = written.part
    header = part.raw[part.top : part.start]
    end = header_end(header)
    fields, rest = header[:end], header[end:] or b"\r\n"
    content, charset = _octets(written, source)
    body, encoding = _transferred(part, content)
    if charset:
        fields = _with_charset(fields, part, charset)
    if encoding != part.encoding:
        fields = replace(fields, "Content-Transfer-Encoding", encoding)
    if fields != header[:end] and part.depth == 0 and not part.raw_header("mime-version"):
        fields = prepend(fields, [("MIME-Version", "1.0")])
    return fields + rest + body


def _octets(written: Written, source: str) -> tuple[bytes, str]:
    """The source in its charset and "", or in another one and the name of that."""
    part, old, codec = written.part, written.page.source, written.codec
    honest = _honest(codec, part.charset)
    strangers = [letter for letter in set(source) - set(old) if _encoded(letter, honest) is None]
    if part.content == _encoded(old, codec) and (part.type == _HTML or not strangers):
        spelled = source.translate({ord(letter): f"&#{ord(letter)};" for letter in strangers})
        return spelled.encode(codec, _OCTETS), ""
    if part.type == _HTML:
        source = _META_CHARSET.sub(r"\g<1>utf-8", source, count=1)
    return source.encode("utf_8", _OCTETS), "utf-8"


def _honest(codec: str, charset: str) -> str:
    """Readers take ISO 8859-1 for Windows-1252; what is written into it keeps to its name."""
    return "latin_1" if codec == "cp1252" and "1252" not in charset else codec


def _with_charset(fields: bytes, part: Part, charset: str) -> bytes:
    field = next((field for field in all_fields(fields) if field.name == "content-type"), None)
    if field is None:
        return prepend(fields, [("Content-Type", f"{part.type}; charset={charset}")])
    old = fields[field.start : field.end]
    new, count = _CHARSET.subn(rb"\g<1>" + charset.encode(), old, count=1)
    if not count:
        new = old.rstrip(b"\r\n \t;") + f"; charset={charset}\r\n".encode()
    return fields[: field.start] + new + fields[field.end :]


def _transferred(part: Part, content: bytes) -> tuple[bytes, str]:
    """The octets for transport and the name of the encoding, the same as before where it will do."""
    encoding = part.encoding
    if encoding == "base64":
        return base64_lines(content, ends=part.source.endswith(b"\n")), encoding
    was_8bit = encoding in ("8bit", "binary") or (encoding == "" and not part.source.isascii())
    fits = is_seven_bit(content) or (was_8bit and not has_long_line(content))
    if encoding in UNENCODED and fits:
        return content, encoding
    return quoted_printable(content), "quoted-printable"
