"""The text parts of a mail that its author wrote: found, decoded, and put back changed.

What is put back keeps its charset and its transfer encoding where they can hold the new text; otherwise the
part becomes UTF-8 and quoted-printable, and its header fields say so.  Everything outside of the changed
parts stays as it is, octet for octet.  Never raises for what a mail holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailproc.mime import charsets
from mailproc.mime.page import Page
from mailproc.mime.parts import Part
from mailproc.mime.plain_page import PlainPage
from mailproc.mime.reader import Mail
from mailproc.mime.text import is_attached

_LONGEST_LINE = 998  # octets, RFC 5322 section 2.1.1
_KEPT_AS_IT_IS = frozenset({"", "7bit", "8bit", "binary"})


@dataclass(frozen=True, eq=False)
class Written:
    """One text part and its lines."""

    part: Part
    page: Page
    codec: str


def written_parts(mail: Mail) -> tuple[Written, ...]:
    """The text/plain part and the HTML that say the same; the mail is normalised to CRLF."""
    found: list[Part] = []
    for part in mail.parts:
        if part.type in ("text/plain",) and not is_attached(part):
            found.append(part)
            break
    return tuple(_written(part) for part in found)


def put_back(mail: Mail, sources: Mapping[Written, str]) -> bytes:
    """The mail with these sources as the text of these parts."""
    raw = mail.raw
    for written, source in sorted(sources.items(), key=lambda item: -item[0].part.start):
        part = written.part
        raw = raw[: part.top] + _entity(written, source) + raw[part.end :]
    return raw


def _written(part: Part) -> Written:
    codec = charsets.codec_of(part.charset) or "utf_8"
    source = part.content.decode(codec, "surrogateescape")
    flowed = part.parameters.get("format", "").lower() == "flowed"
    return Written(part, PlainPage(source, flowed), codec)


def _entity(written: Written, source: str) -> bytes:
    return written.part.raw[written.part.top : written.part.start] + source.encode(
        written.codec, "surrogateescape"
    )
