"""What a command says: JSON Lines on standard output, why it failed on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import NoReturn

import click

FAILED = 1
WRONG_USAGE = 2


def fail(text: str) -> NoReturn:
    """Say why on standard error and end with status 1."""
    click.echo(f"mailproc: {text}", err=True)
    sys.exit(FAILED)


def echo_json(rows: Iterable[Mapping[str, object]]) -> None:
    """JSON Lines on standard output."""
    for row in rows:
        click.echo(json.dumps(row, ensure_ascii=False))
