"""Message-IDs and dates, read as leniently as senders write them (RFC 5322 sections 3.3 and 3.6.4)."""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, date, datetime
from email.utils import mktime_tz, parsedate_tz

from mailproc.mime.limits import Defects, Limits

_BRACKETED = re.compile(r"<([^<>]{1,2000})>")
_SPACE = re.compile(r"\s+")
_BARE = re.compile(r"[^\s<>,;\"()]{1,998}")
_MAX_DATE = 200  # characters
_USUAL = re.compile(
    r"(?:[A-Z][a-z]{2}, )?([0-9]{1,2}) ([A-Z][a-z]{2}) ((?:19|20)[0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r" ([+-])([0-9]{2})([0-9]{2})(?: \([A-Za-z ]{0,40}\))?"
)
_MONTHS = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
    "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip
_EPOCH = date(1970, 1, 1).toordinal()
_LAST_SECOND = 253402300799.0  # of the year 9999


def message_ids(text: str, limits: Limits, defects: Defects) -> tuple[str, ...]:
    """Every id in text with its angle brackets, each once; broken by folding or without brackets."""
    ids = ["".join(found.split()) for found in _BRACKETED.findall(text)]
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
        found = (_usual(text) or _rfc5322(text)) if len(text) <= _MAX_DATE else None
    except (ValueError, OverflowError, TypeError, IndexError):
        found = None
    if found is None:
        found = _iso8601(text[:_MAX_DATE])
    if found is None or not 0 <= found <= _LAST_SECOND:
        defects.note("unreadable Date")
        return None
    return found


def _usual(text: str) -> float | None:
    """A date as nearly all are written, read five times as fast; None for any other."""
    match = _USUAL.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        return None
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    days = date(int(year), _MONTHS[month], int(day)).toordinal() - _EPOCH
    ahead = int(zone_hours) * 3600 + int(zone_minutes) * 60
    local = days * 86_400 + int(hour) * 3600 + int(minute) * 60 + int(second)
    return float(local + ahead if sign == "-" else local - ahead)


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
