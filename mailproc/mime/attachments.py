"""What a mail carries beside its text.  Nothing is ever extracted, unpacked or written to a disk.

Names are the sender's: they are shown, never used as a path (paths, NUL and letters that turn the reading
direction are taken out of them).
"""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from functools import cached_property

from mailproc.mime import charsets
from mailproc.mime.headers import BIDI_CONTROLS
from mailproc.mime.limits import Defects, Limits
from mailproc.mime.parts import Part
from mailproc.mime.text import clean, part_text

_MAX_NAME = 200  # characters
_PATH = re.compile(r"[/\\]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028\u2029]+")
_EMBEDDED = frozenset({"message/rfc822", "message/global", "message/news"})


@dataclass(frozen=True, eq=False)
class Attachment:
    """One file: ``name`` is safe to show and "" where the sender gave none; ``size`` in bytes, decoded."""

    name: str
    type: str
    source: Part | bytes
    charset: str
    limits: Limits
    defects: Defects

    @property
    def content(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.content

    @property
    def size(self) -> int:
        return len(self.content)

    @cached_property
    def text(self) -> str:
        """The text of a text/* attachment, cut at the limit; "" for every other."""
        if not self.type.startswith("text/"):
            return ""
        if isinstance(self.source, Part) and self.type == "text/html":
            return part_text(self.source, self.limits, self.defects)[: self.limits.attachment_text]
        return clean(charsets.decode(self.content[: self.limits.attachment_text], self.charset, self.defects))


def of_part(part: Part, subject: str = "") -> Attachment:
    """The attachment that a part is; ``subject`` of the message for an embedded one without a name."""
    name = safe_name(part.file_name or part.header("content-description"))
    if not part.file_name and part.type in _EMBEDDED:
        name = safe_name(re.sub(r"[/\\]", "_", subject)[:100] or name or "message") + ".eml"
    return Attachment(name, part.type, part, part.charset, part.limits, part.defects)


def of_file(name: str, content: bytes, limits: Limits, defects: Defects) -> Attachment:
    """A file from within a TNEF or a uuencoded text; its type is guessed by its name."""
    name = safe_name(name)
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Attachment(name, guessed, content, "", limits, defects)


def safe_name(name: str) -> str:
    """The last part of a path, without controls, on one line, at most 200 characters with its ending kept."""
    name = _CONTROLS.sub("", BIDI_CONTROLS.sub("", name))
    name = _PATH.split(name)[-1].strip(" .\"'")
    if len(name) <= _MAX_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 20:
        return name[:_MAX_NAME]
    return stem[: _MAX_NAME - len(ending) - 1] + dot + ending
