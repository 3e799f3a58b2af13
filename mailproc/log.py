"""Logs for people (logfmt) or machines (JSON), one event a line; never mail text or secrets.

What a line says of a mail stands in pairs (``delivery=4 desk=support``), which are read off the message's
template, never off its text: a value cannot forge another pair, whatever a mail has put into it.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TextIO

_PAIR = re.compile(
    r"""(?:(?P<key>\w+)=(?P<quote>["']?))?(?P<spec>%(?P<kind>%|[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]))"""
)
_RESERVED = {"at", "level", "logger", "text", "cause"}


class LogfmtFormatter(logging.Formatter):
    """``level=info logger=mailproc.chain delivery=4 outcome=new``; journald adds the time."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"level={record.levelname.lower()} logger={record.name} {_one_line(_with_quotes(record))}"
        if record.exc_info:
            text += f" cause={json.dumps(self.formatException(record.exc_info))}"
        return text


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``text`` as for people, and each of its pairs as a field of its own."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        entry |= {key: _plain(value) for key, _, value in _pairs(record) if key and key not in _RESERVED}
        if record.exc_info:
            entry["cause"] = self.formatException(record.exc_info)
        return json.dumps(entry)  # in ASCII: no control, no line separator, no lone surrogate


def set_up(level: str, form: str, stream: TextIO) -> None:
    """Send all logs to ``stream``."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form == "json" else LogfmtFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _pairs(record: logging.LogRecord) -> Iterator[tuple[str, str, object]]:
    """For each argument the key that stands before it, its format and itself; "" where it has no key."""
    arguments = iter(record.args if isinstance(record.args, tuple) else ())
    for found in _PAIR.finditer(record.msg if isinstance(record.msg, str) else ""):
        if found["kind"] != "%":
            yield found["key"] or "", found["spec"] if not found["quote"] else "", next(arguments, "")


def _with_quotes(record: logging.LogRecord) -> str:
    """The message; a value of a pair that has spaces or quotes in it stands in quotes."""
    if not isinstance(record.args, tuple) or not record.args:
        return record.getMessage()
    values = [_quoted(str(value)) if key and spec == "%s" else value for key, spec, value in _pairs(record)]
    return str(record.msg) % tuple(values) if len(values) == len(record.args) else record.getMessage()


def _quoted(value: str) -> str:
    if value and not re.search(r'[\s"=]', value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float) else str(value)


def _one_line(text: str) -> str:
    """A mail must not forge log lines or command the terminal."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)
