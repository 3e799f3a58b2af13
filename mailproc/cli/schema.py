"""mailproc schema: the JSON schema of the configuration, for editors and CI."""

from __future__ import annotations

import json

import click

from mailproc.check.schema import configuration_schema


@click.command()
def schema() -> None:
    """The JSON schema of the configuration, with the options of the shipped filters."""
    click.echo(json.dumps(configuration_schema(), indent=2, ensure_ascii=False))
