"""The command line: thin, one file per command group.  Parse, call, print."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import click

from mailproc import __version__
from mailproc.cli.invocation import Invocation

COMMANDS = {
    "agent": "agent",
    "backup": "backup",
    "check": "check",
    "demo": "demo",
    "dkim": "dkim",
    "explain": "explain",
    "import": "history",
    "outbox": "outbox",
    "quarantine": "quarantine",
    "restore": "backup",
    "schema": "schema",
    "serve": "serve",
    "spam": "spam",
    "stages": "stages",
    "status": "status",
    "text": "text",
    "ticket": "ticket",
}


class LazyGroup(click.Group):
    """Imports a command's module only when it is asked for: ``mailproc --help`` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        name = "import_" if cmd_name == "import" else cmd_name
        command: click.Command = getattr(importlib.import_module(f"mailproc.cli.{module}"), name)
        return command


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="mailproc")
@click.option("-c", "config", type=click.Path(path_type=Path), metavar="FILE", help="The configuration.")
@click.pass_context
def main(ctx: click.Context, config: Path | None) -> None:
    """Ticketing for teams that live in their mail client.

    The configuration is -c FILE, else $MAILPROC_CONFIG, else /etc/mailproc/mailproc.toml.
    """
    ctx.obj = Invocation(config, dict(os.environ))
