"""mailproc stages: each desk's chain in order, with options and file."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import msgspec

from mailproc.check.load import make_chains
from mailproc.cli.filters import load_site
from mailproc.cli.output import echo_json
from mailproc.pipeline.chain import DEFAULT_TIMEOUT, Chain, Step
from mailproc.pipeline.verdict import OnError

SECRETS = frozenset({"password", "token"})
COVER = "…"

_PASSWORD_IN_URL = re.compile(r"(://[^/@:\s]*:)[^/@\s]*@")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each stage.")
@click.pass_context
def stages(ctx: click.Context, as_json: bool) -> None:
    """Each desk's stages in their order, with options and file."""
    loaded = load_site(ctx)
    chains = make_chains(loaded)
    if as_json:
        echo_json(row for name, chain in chains.items() for row in _rows(name, chain))
        return
    for number, (name, chain) in enumerate(chains.items()):
        kind = "Desk" if name in loaded.config.desk else "Chain"
        click.echo(("\n" if number else "") + f"{kind} {name}")
        for line in _lines(chain):
            click.echo(line)


def _rows(name: str, chain: Chain) -> Iterator[dict[str, object]]:
    for step in chain.steps:
        yield {
            "desk": name,
            "stage": step.name,
            "file": str(step.file),
            "when": step.when.source if step.when else None,
            "timeout": step.timeout,
            "on_error": step.on_error.value,
            "options": {name: _shown(value) for name, value in step.options.items()},
        }


def _lines(chain: Chain) -> Iterator[str]:
    """The stages in columns, each followed by what is set for it."""
    wide = max((len(step.name) for step in chain.steps), default=0)
    for number, step in enumerate(chain.steps, 1):
        yield f"  {number:>2}  {step.name:<{wide}}  {step.file}"
        for name, value in _settings(step):
            yield f"      {'':<{wide}}  {name} = {value}"


def _settings(step: Step) -> Iterator[tuple[str, str]]:
    if step.when is not None:
        yield "when", _as_toml(step.when.source)
    if step.timeout != DEFAULT_TIMEOUT:
        yield "timeout", _as_toml(step.timeout)
    if step.on_error is not OnError.CONTINUE:
        yield "on_error", _as_toml(step.on_error.value)
    for name, value in step.options.items():
        yield name, _as_toml(value)


def _as_toml(value: object) -> str:
    """An option in JSON's notation, which TOML shares for most values."""
    return msgspec.json.encode(_shown(value)).decode()


def _shown(option: object) -> object:
    """An option as JSON can hold it, its secrets covered."""
    return _covered(msgspec.to_builtins(option, order="deterministic"))


def _covered(plain: object) -> object:
    if isinstance(plain, dict):
        return {
            name: COVER if name in SECRETS and inner else _covered(inner) for name, inner in plain.items()
        }
    if isinstance(plain, list):
        return list(map(_covered, plain))
    return _PASSWORD_IN_URL.sub(rf"\1{COVER}@", plain) if isinstance(plain, str) else plain
