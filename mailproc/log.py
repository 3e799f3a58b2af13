"""Logs for people (logfmt) or machines (JSON), one event a line; never mail text or secrets."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TextIO


class LogfmtFormatter(logging.Formatter):
    """``level=info logger=mailproc.chain delivery=4 outcome=new``; journald adds the time."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"level={record.levelname.lower()} logger={record.name} {_one_line(record.getMessage())}"
        if record.exc_info:
            text += f" cause={json.dumps(self.formatException(record.exc_info))}"
        return text


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            entry["cause"] = self.formatException(record.exc_info)
        return json.dumps(entry)  # in ASCII: no control, no line separator, no lone surrogate


def set_up(level: str, form: str, stream: TextIO) -> None:
    """Send all logs to ``stream``."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form == "json" else LogfmtFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _one_line(text: str) -> str:
    """A mail must not forge log lines or command the terminal."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)
