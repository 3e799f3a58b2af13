"""The command line: thin, one file per command group.  Parse, call, print."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import NamedTuple

import click

from mailproc import __version__
from mailproc.cli.invocation import Invocation


class Entry(NamedTuple):
    """A command before it is imported: the module in this folder, and the first sentence of its help."""

    module: str
    summary: str


COMMANDS = {
    "agent": Entry("agent", "Agents: who is here, and their passwords."),
    "backup": Entry(
        "backup", "Write a consistent copy of the store and its key to FILE, also while the daemon runs."
    ),
    "calendar": Entry("calendar", "Opening hours and holidays, day by day."),
    "check": Entry("check", "Report all mistakes of the configuration with file, line and key."),
    "demo": Entry("demo", "Play a customer and two agents on a real daemon, then wait for your mail client."),
    "dkim": Entry(
        "dkim", "Signing keys; without a command, the DNS records of all keys of the configuration."
    ),
    "explain": Entry("explain", "What would become of a mail, and why."),
    "import": Entry("history", "Take mail of the past in, oldest first, without acknowledgements."),
    "outbox": Entry("outbox", "What must leave: acknowledgements, answers, notices."),
    "quarantine": Entry("quarantine", "Mail that the chain could not handle; it is kept, whatever it is."),
    "report": Entry("report", "The figures of a period: by default the last full month."),
    "restore": Entry("backup", "Put the store and key of FILE in place; what was there is kept beside it."),
    "replay": Entry("replay", "Run stored mail through a changed chain, without effects: what would differ?"),
    "schema": Entry(
        "schema", "The JSON schema of the configuration, with the options of the shipped filters."
    ),
    "serve": Entry("serve", "Run the daemon in the foreground; logs go to standard error."),
    "spam": Entry("spam", "Teach the spam classifier, and ask it."),
    "stages": Entry("stages", "Each desk's stages in their order, with options and file."),
    "status": Entry("status", "What was accepted, what became of it, and what waits."),
    "store": Entry("store", "The database: copy, verify, fetch from the bucket."),
    "text": Entry(
        "text", "What is read from a mail: who, what is new in it, what is quoted, what is attached."
    ),
    "ticket": Entry("ticket", "Tickets: list, show, and change them."),
    "topics": Entry("topics", "Teach what mails are about, and ask."),
}


class LazyGroup(click.Group):
    """Imports a command's module only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        name = "import_" if cmd_name == "import" else cmd_name
        command: click.Command = getattr(importlib.import_module(f"mailproc.cli.{entry.module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does it, but from the table: no command is imported to be listed."""
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, click.Command(name, help=COMMANDS[name].summary).get_short_help_str(limit))
                    for name in self.list_commands(ctx)
                ]
            )


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
