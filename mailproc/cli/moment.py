"""Times on the command line."""

from __future__ import annotations

from collections.abc import Callable

import click

from mailproc.model import moment


def parse_moment(text: str, now: float) -> float:
    """Seconds since 1970 of a time as ``mailproc.model.moment`` reads it; a wrong one is a usage error."""
    return _parse(moment.parse_moment, text, now)


def parse_past_moment(text: str, now: float) -> float:
    """The same for a time that was; ``3d`` is three days ago."""
    return _parse(moment.parse_past_moment, text, now)


def _parse(parse: Callable[[str, float], float], text: str, now: float) -> float:
    try:
        return parse(text, now)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
