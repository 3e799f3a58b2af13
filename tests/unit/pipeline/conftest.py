"""Builders for chain tests: a delivery, filters written for the test, a clock that the test moves."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from mailproc.model.address import Address
from mailproc.model.desk import Desk
from mailproc.model.envelope import Envelope
from mailproc.pipeline.delivery import Delivery

DESK = Desk("support", "Example Support", (Address.parse("support@example.org"),))
RAW = b"From: Ann <Ann@example.com>\r\nSubject: Printer on fire\r\nList-Id: <l.example.com>\r\n\r\nHelp!\r\n"


@pytest.fixture
def delivery() -> Delivery:
    return Delivery(Envelope(Address.parse("ann@example.com"), DESK.address), DESK, RAW, 1_795_000_000.0)


@pytest.fixture
def write_filter(tmp_path: Path) -> Callable[..., Path]:
    """Write a filter's source into the test's own folder."""

    def write(name: str, source: str) -> Path:
        path = tmp_path / "filters" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return path

    return write
