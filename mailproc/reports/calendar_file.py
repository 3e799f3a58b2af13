"""An iCalendar file of what is due (RFC 5545): an event for each open ticket with a target.

A ticket's event has the same UID in every file, so that a calendar which reads the file again moves it.
Lines are folded at 75 octets and never within a character; what comes from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from mailproc.reports.shown import printable
from mailproc.store.figures import Due

PRODUCT = "-//mailproc//report//EN"
MOST_OCTETS = 75  # of a line (section 3.1)
MOST_SUBJECT = 200  # characters
_KINDS = {"first": "first answer", "next": "answer", "solution": "solution"}


def calendar_file(due: Iterable[Due], hostname: str, now: float) -> bytes:
    """The file, CRLF; ``now`` is when it was made."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    for each in due:
        lines += _event(each, hostname, now)
    lines.append("END:VCALENDAR")
    return b"".join(_folded(line) for line in lines)


def _event(due: Due, hostname: str, now: float) -> Iterator[str]:
    kind = _KINDS.get(due.kind, due.kind)
    subject = printable(due.subject)[:MOST_SUBJECT]
    owner = f", {due.owner}" if due.owner else ""
    yield "BEGIN:VEVENT"
    yield f"UID:{due.number}.{_escaped(due.desk)}@{hostname}"
    yield f"DTSTAMP:{_utc(now)}"
    yield f"DTSTART:{_utc(due.due)}"
    yield "DURATION:PT0S"
    yield f"SUMMARY:{_escaped(f'{due.number} {kind}: {subject}')}"
    yield f"DESCRIPTION:{_escaped(f'{kind} to ticket {due.number}, desk {due.desk}, {due.state}{owner}')}"
    yield f"CATEGORIES:{_escaped(due.desk)}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _escaped(text: str) -> str:
    """A value of type TEXT (section 3.3.11)."""
    for what in ("\\", ";", ","):
        text = text.replace(what, f"\\{what}")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _utc(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y%m%dT%H%M%SZ}"


def _folded(line: str) -> bytes:
    """Section 3.1: a line that is too long goes on in the next one, after a space."""
    pieces: list[bytes] = []
    piece = b""
    for letter in line:
        octets = letter.encode("utf-8", "replace")
        if len(piece) + len(octets) > MOST_OCTETS - (1 if pieces else 0):
            pieces.append(piece)
            piece = b""
        piece += octets
    pieces.append(piece)
    return b"\r\n ".join(pieces) + b"\r\n"
