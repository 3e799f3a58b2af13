"""The text of a calendar file (RFC 5545): what an agent wants to know of each event in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_LINES = 2000
MOST_EVENTS = 20

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"([A-Za-z0-9-]{1,40})((?:;[^:\"]{0,200}(?:\"[^\"]{0,200}\")?)*):(.*)")
_ESCAPE = re.compile(r"\\([\\;,nN])")
_MOMENT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})\d{2}(Z?))?")
_SHOWN = {
    "METHOD": "Method",
    "SUMMARY": "Summary",
    "DTSTART": "Start",
    "DTEND": "End",
    "DUE": "Due",
    "LOCATION": "Location",
    "ORGANIZER": "Organizer",
    "STATUS": "Status",
    "DESCRIPTION": "Description",
}


def calendar_text(source: str) -> str:
    """One line for each property that says something, an empty line between two events."""
    return "\n".join(_lines(source)).strip()


def _lines(source: str) -> Iterator[str]:
    events, inside = 0, ""
    for line in _FOLD.sub("", source).splitlines()[:MOST_LINES]:
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        name, parameters, value = match[1].upper(), match[2], match[3]
        if name == "BEGIN":
            inside = value.strip().upper()
            if inside in ("VEVENT", "VTODO"):
                events += 1
                yield ""
            if events > MOST_EVENTS:
                return
        elif name == "END":
            inside = "VCALENDAR"
        elif name in _SHOWN and inside in ("VCALENDAR", "VEVENT", "VTODO"):
            yield f"{_SHOWN[name]}: {_shown(name, parameters, value)}"


def _shown(name: str, parameters: str, value: str) -> str:
    text = _ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip()
    if name == "ORGANIZER":
        return re.sub(r"(?i)^mailto:", "", text)
    moment = _MOMENT.fullmatch(text) if name in ("DTSTART", "DTEND", "DUE") else None
    if moment is None:
        return text
    zone = re.search(r"(?i);TZID=\"?([^;\":]{1,60})", parameters)
    clock = f" {moment[4]}:{moment[5]}" if moment[4] else ""
    return (
        f"{moment[1]}-{moment[2]}-{moment[3]}{clock}{' UTC' if moment[6] else f' {zone[1]}' if zone else ''}"
    )
