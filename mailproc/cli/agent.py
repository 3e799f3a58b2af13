"""mailproc agent: what concerns the people at a desk."""

from __future__ import annotations

import sys

import argon2
import click

from mailproc.cli.absence import absent, list_
from mailproc.cli.output import fail


@click.group()
def agent() -> None:
    """Agents: who is here, and their passwords."""


agent.add_command(absent)
agent.add_command(list_)


@agent.command(name="hash")
def hash_password() -> None:
    """Read a password (one line) from standard input and print its hash for password_hash."""
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        fail("an empty password is no password")
    click.echo(argon2.PasswordHasher().hash(password))
