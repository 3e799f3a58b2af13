"""The forms in which DKIM and ARC hash a mail (RFC 6376 section 3.4), in linear time.

dkimpy's own take quadratic time on spaces, and much memory on large texts.  Everything here expects CRLF.
"""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r\n")
_EMPTY_LINES = re.compile(rb"(?:\n\r)*")  # read from the end
_SPACES = re.compile(rb"[ \t]+")


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4."""
    if not body.endswith(b"\r\n"):
        body += b"\r\n"  # as DATA will end it
    body = body.replace(b"\t", b" ")
    while b"  " in body:  # each pass halves the runs
        body = body.replace(b"  ", b" ")
    kept = _without_empty_end(body.replace(b" \r\n", b"\r\n"))
    return kept + b"\r\n" if kept else b""


def simple_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.3: empty lines at the end count as one line end, and so does an empty body."""
    return _without_empty_end(body) + b"\r\n"


def relaxed_field(name: bytes, value: bytes) -> bytes:
    """RFC 6376 section 3.4.2; ``value`` is what stands behind the colon, with or without its line end."""
    unfolded = _SPACES.sub(b" ", _LINE_END.sub(b"", value))
    return name.lower().rstrip() + b":" + unfolded.strip(b" ") + b"\r\n"


def simple_field(name: bytes, value: bytes) -> bytes:
    """RFC 6376 section 3.4.1: as it stands."""
    return name + b":" + value


def _without_empty_end(body: bytes) -> bytes:
    tail = body[len(body.rstrip(b"\r\n")) :]
    empty = _EMPTY_LINES.match(tail[::-1])
    return body[: len(body) - empty.end()] if empty else body
