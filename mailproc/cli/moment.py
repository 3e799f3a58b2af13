"""Times on the command line."""

from __future__ import annotations

import click

from mailproc.model import moment


def parse_moment(text: str, now: float) -> float:
    """Seconds since 1970 of a time as ``mailproc.model.moment`` reads it; a wrong one is a usage error."""
    try:
        return moment.parse_moment(text, now)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
