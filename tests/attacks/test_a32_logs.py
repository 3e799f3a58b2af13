"""A32: what a mail brings into a log stays on its line, and commands no terminal."""

from __future__ import annotations

import io
import json
import logging

import pytest

from mailproc.log import JsonFormatter, LogfmtFormatter

HOSTILE = "x\r\nlevel=error logger=mailproc text=forged \x1b[2J \x9b31m \u2028 \u202e \x85 \0 \ud800 end"


def written(formatter: logging.Formatter) -> str:
    """One record as a file gets it."""
    octets = io.BytesIO()
    handler = logging.StreamHandler(io.TextIOWrapper(octets, "utf-8", write_through=True))
    handler.setFormatter(formatter)
    handler.handle(logging.LogRecord("mailproc.test", logging.INFO, "", 0, "subject=%s", (HOSTILE,), None))
    return octets.getvalue().decode()


@pytest.mark.parametrize("formatter", [LogfmtFormatter(), JsonFormatter()])
def test_a32_a_hostile_word_stays_in_its_line(formatter: logging.Formatter) -> None:
    line = written(formatter)
    assert len(line.splitlines()) == 1
    assert line.removesuffix("\n").isprintable()
    assert "end" in line


def test_a32_json_gives_the_word_back() -> None:
    assert json.loads(written(JsonFormatter()))["text"] == f"subject={HOSTILE}"
