"""Times as people type them: 4h, 3d, 2w, a date, or RFC 3339."""

from __future__ import annotations

import re
from datetime import datetime

import click

_SPAN = re.compile(r"(\d{1,5})([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_moment(text: str, now: float) -> float:
    """Seconds since 1970 of a span from ``now`` or a point in time (local time where it names no zone)."""
    if span := _SPAN.fullmatch(text.strip().lower()):
        return now + int(span[1]) * _SECONDS[span[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time: use 4h, 3d, 2w or 2026-12-01T09:00") from None
