"""Fields of machine-readable report parts: groups of fields with blank lines between (RFC 3464 section 2.1).

Read leniently: a second Final-Recipient begins a group even without a blank line; lines that are no fields
are passed over.  Names are lower case, values are unfolded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Fields = dict[str, str]

_FIELD = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)")
_MAX_GROUPS = 500
_BEGINS_RECIPIENT = frozenset({"final-recipient", "original-recipient"})


def read_groups(text: str) -> Iterator[Fields]:
    """The groups in their order, empty ones left out, at most _MAX_GROUPS."""
    current: Fields = {}
    last = ""
    given = 0
    for line in text.splitlines():
        if line[:1] in " \t" and last and line.strip() and not _begins_anew(line, current):
            current[last] += " " + line.strip()
            continue
        field = _FIELD.match(line)
        name = field[1].lower() if field else ""
        if not line.strip() or (name in _BEGINS_RECIPIENT and name in current):
            if current:
                yield current
                given += 1
            current, last = {}, ""
        if given == _MAX_GROUPS:
            return
        if field:
            current.setdefault(name, field[2].strip())
            last = name
    if current:
        yield current


def _begins_anew(line: str, current: Fields) -> bool:
    """An indented field, as in reports that are quoted in a text."""
    field = _FIELD.match(line)
    return bool(field) and field[1].lower() in _KNOWN and field[1].lower() not in current if field else False


_KNOWN = frozenset(
    {
        "final-recipient",
        "original-recipient",
        "action",
        "status",
        "diagnostic-code",
        "remote-mta",
        "reporting-mta",
    }
)
