"""Outlook's winmail.dat (application/ms-tnef): the text and the files inside, read by tnefparse."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass

from mailproc.mime.limits import Defects, Limits

TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SIGNATURE = b"\x78\x9f\x3e\x22"


@dataclass(frozen=True, slots=True)
class Tnef:
    """``text`` and ``html`` are "" where there is none; files are (name, content)."""

    text: str = ""
    html: str = ""
    files: tuple[tuple[str, bytes], ...] = ()


def is_tnef(content_type: str, name: str) -> bool:
    return content_type in TYPES or name.lower() == "winmail.dat"


def read_tnef(content: bytes, limits: Limits, defects: Defects) -> Tnef:
    """What a TNEF holds; an empty one where it cannot be read."""
    if not content.startswith(_SIGNATURE):
        defects.note("TNEF without its signature")
        return Tnef()
    if len(content) > limits.tnef:
        defects.note("TNEF is too large: not read")
        return Tnef()
    from tnefparse import TNEF  # type: ignore[import-untyped]  # only Outlook's mail needs it

    logging.getLogger("tnefparse").setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = TNEF(content, do_checksum=False)
            files = tuple((_text(file.long_filename()), bytes(file.data)) for file in found.attachments)
            return Tnef(_text(found.body), _text(found.htmlbody), files[: limits.parts])
    except Exception as error:  # the parser raises whatever its input makes it stumble over
        defects.note(f"TNEF could not be read ({type(error).__name__})")
        return Tnef()


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip("\0")
    return value.strip("\0") if isinstance(value, str) else ""
