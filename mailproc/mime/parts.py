"""The tree of a mail's parts, as a flat list in the order they stand (RFC 2046 section 5.1).

Only offsets are kept; nothing is decoded until it is asked for.  The walk needs no recursion, each multipart
is looked at within the bounds of the one around it, and number and depth are bounded before anything is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailproc.mime import transfer
from mailproc.mime.headers import HeaderBlock, decode_words, split_header_block, unfold
from mailproc.mime.lazy import lazy
from mailproc.mime.limits import Defects, Limits
from mailproc.mime.parameters import Field, read_content_type, read_disposition

_REST_OF_BOUNDARY = re.compile(rb"(--)?[ \t]*\r*(?=\n|\Z)")
_LIKE_A_BOUNDARY = re.compile(rb"^--([^\s-][^\r\n\t ]{0,199})[ \t]*\r?\n", re.MULTILINE)
_NEAR = 2048  # octets in which it must stand
_MAX_BOUNDARY = 200  # RFC 2046 allows 70; Outlook once sent more


@dataclass(frozen=True, eq=False)
class Part:
    """One part: its own headers and where its content lies in the mail."""

    raw: bytes  # of the whole mail
    block: HeaderBlock
    start: int
    end: int
    depth: int  # 0 for the mail itself
    parent: Part | None
    limits: Limits
    defects: Defects
    top: int = 0  # where its headers begin

    def header(self, name: str) -> str:
        """First header of this name, unfolded and decoded; "" when absent."""
        return decode_words(self.raw_header(name), self.limits, self.defects)

    def raw_header(self, name: str) -> str:
        value = self.block.first(name.lower())
        return "" if value is None else unfold(value, self.limits, self.defects)

    @lazy
    def content_type(self) -> Field:
        value = self.raw_header("content-type")
        if not value and self.parent is not None and self.parent.type == "multipart/digest":
            return Field("message/rfc822")  # RFC 2046 section 5.1.5
        return read_content_type(value, self.limits, self.defects)

    @property
    def type(self) -> str:
        """ "type/subtype" in lower case."""
        return self.content_type.value

    @property
    def parameters(self) -> dict[str, str]:
        return self.content_type.parameters

    @property
    def charset(self) -> str:
        return self.parameters.get("charset", "")

    @lazy
    def disposition(self) -> Field:
        return read_disposition(self.raw_header("content-disposition"), self.limits, self.defects)

    @lazy
    def encoding(self) -> str:
        """Content-Transfer-Encoding in lower case, without comments."""
        return self.raw_header("content-transfer-encoding").partition("(")[0].strip(" \t\"';").lower()

    @property
    def file_name(self) -> str:
        """The name as the sender gave it, decoded and untrusted; "" for none."""
        return self.disposition.parameters.get("filename") or self.parameters.get("name", "")

    @property
    def is_multipart(self) -> bool:
        return self.type.startswith("multipart/")

    @property
    def source(self) -> bytes:
        """The content as it stands in the mail."""
        return self.raw[self.start : self.end]

    @lazy
    def content(self) -> bytes:
        """The content with its transfer encoding undone."""
        return transfer.decode(self.source, self.encoding, self.defects)


def read_parts(root: Part) -> tuple[Part, ...]:
    """The root and everything below it, in the order it stands; embedded messages are leaves."""
    found: list[Part] = []
    waiting = [root]
    while waiting:
        part = waiting.pop()
        found.append(part)
        if part.is_multipart:
            room = root.limits.parts - len(found) - len(waiting)
            waiting.extend(reversed(_children(part, room)))
    return tuple(found)


def _children(parent: Part, room: int) -> list[Part]:
    limits, defects = parent.limits, parent.defects
    if parent.depth >= limits.depth:
        defects.note("parts are nested too deep: the inner ones were not read")
        return []
    boundary = parent.parameters.get("boundary", "")
    if not boundary or len(boundary) > _MAX_BOUNDARY:
        defects.note("multipart without a usable boundary")
        boundary = _guessed_boundary(parent)
    if not boundary:
        return []
    sections, closed = _sections(parent, boundary, room)
    if not sections:
        defects.note("multipart without parts")
    elif not closed:
        defects.note("multipart without an end")
    if len(sections) > room:
        defects.note("too many parts: the rest was not read")
    return [_child(parent, start, end) for start, end in sections[: max(room, 0)]]


def _guessed_boundary(parent: Part) -> str:
    """What the first line of the content says that looks like a boundary; "" for none."""
    match = _LIKE_A_BOUNDARY.search(parent.raw, parent.start, min(parent.start + _NEAR, parent.end))
    return match[1].decode("utf-8", "replace") if match else ""


def _child(parent: Part, start: int, end: int) -> Part:
    block = split_header_block(parent.raw, start, end, parent.limits, parent.defects)
    return Part(
        parent.raw, block, block.end, end, parent.depth + 1, parent, parent.limits, parent.defects, start
    )


def _sections(parent: Part, boundary: str, room: int) -> tuple[list[tuple[int, int]], bool]:
    """Where each part begins and ends, at most one more than there is room for; whether an end was marked."""
    delimiter = b"\n--" + boundary.encode("utf-8", "replace")
    raw, begin = parent.raw, -1
    sections: list[tuple[int, int]] = []
    # The line end before the first boundary may be the one that ended the headers.
    position = raw.find(delimiter, max(parent.start - 1, 0), parent.end)
    for _ in range(_candidates(room)):
        if position < 0:
            break
        if match := _REST_OF_BOUNDARY.match(raw, position + len(delimiter), parent.end):
            if begin >= 0:
                sections.append((begin, max(begin, _before_line_end(raw, position))))
            if match[1] or len(sections) > room:
                return sections, True
            begin = min(match.end() + 1, parent.end)
        # The line feed of this boundary may begin the next one.
        position = raw.find(delimiter, position + len(delimiter), parent.end)
    if 0 <= begin < parent.end:
        sections.append((begin, parent.end))
    return sections, False


def _candidates(room: int) -> int:
    """How many lines that may be a boundary are looked at; hostile mail has millions that are none."""
    return 1000 + 20 * max(room, 0)


def _before_line_end(raw: bytes, position: int) -> int:
    """The line end before a boundary, whose line feed is at position, belongs to the boundary."""
    return position - 1 if raw[position - 1 : position] == b"\r" else position
