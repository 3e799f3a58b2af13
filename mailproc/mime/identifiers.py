"""Message-IDs and dates, read as leniently as senders write them (RFC 5322 sections 3.3 and 3.6.4)."""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, datetime
from email.utils import mktime_tz, parsedate_tz

from mailproc.mime.limits import Defects, Limits

_BRACKETED = re.compile(r"<([^<>]{1,2000})>")
_SPACE = re.compile(r"\s+")
_BARE = re.compile(r"[^\s<>,;\"()]{1,998}")
_MAX_DATE = 200  # characters
_LAST_SECOND = 253402300799.0  # of the year 9999


def message_ids(text: str, limits: Limits, defects: Defects) -> tuple[str, ...]:
    """Every id in text with its angle brackets, each once; broken by folding or without brackets."""
    ids = [_SPACE.sub("", match[1]) for match in _BRACKETED.finditer(text)]
    if not ids:
        ids = [word for word in _BARE.findall(text) if "@" in word.strip("@")]
    if len(ids) > limits.identifiers:
        defects.note("too many message ids: the oldest were not read")
        ids = ids[:1] + ids[1 - limits.identifiers :]
    fitting = [f"<{name}>" for name in ids if name and len(name) < limits.identifier - 1]
    if len(fitting) < len(ids):
        defects.note("message id is empty or too long: not read")
    return tuple(dict.fromkeys(fitting))


def message_id(text: str, limits: Limits, defects: Defects) -> str:
    """The id of a mail, "" where there is none; a single word without @ or brackets is taken too."""
    if ids := message_ids(text, limits, defects):
        return ids[0]
    bare = text.strip(" <>")
    if bare and len(bare) < limits.identifier - 1 and not _SPACE.search(bare):
        return f"<{bare}>"
    if len(bare) >= limits.identifier:
        defects.note("message id is empty or too long: not read")
    return ""


def seconds(text: str, defects: Defects) -> float | None:
    """A Date as seconds since 1970 UTC, None where it says nothing usable."""
    if not text:
        return None
    try:
        found = _rfc5322(text[:_MAX_DATE]) if len(text) <= _MAX_DATE else None
    except (ValueError, OverflowError, TypeError, IndexError):
        found = None
    if found is None:
        found = _iso8601(text[:_MAX_DATE])
    if found is None or not 0 <= found <= _LAST_SECOND:
        defects.note("unreadable Date")
        return None
    return found


def _rfc5322(text: str) -> float | None:
    parsed = parsedate_tz(text)
    if parsed is None:
        return None
    datetime(*parsed[:3], tzinfo=UTC)  # raises for the 31st of February
    if parsed[9] is None:
        return float(timegm((*parsed[:6], 0, 1, -1)))
    return float(mktime_tz(parsed))


def _iso8601(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
