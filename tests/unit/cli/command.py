"""What the fixture ``make_command`` makes."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import Result

Command = Callable[..., Result]  # its arguments are those of the command
MakeCommand = Callable[..., Command]  # of a configuration, and the words that come first
