"""mailproc dkim: keys that sign outgoing mail, and the DNS records that let others check it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from mailproc.check.dkim import ConfiguredKey, configured_keys, is_dns_name
from mailproc.cli.context import failures, read_site
from mailproc.cli.output import echo_json, fail
from mailproc.cli.records import Nameserver, Published, look_up
from mailproc.model.address import ascii_domain
from mailproc.model.signing_key import Algorithm, SigningKey, strings_of

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
_TTL = 3600  # seconds, in the records that are printed


@click.group(invoke_without_command=True)
@_json
@click.pass_context
def dkim(ctx: click.Context, as_json: bool) -> None:
    """Signing keys; without a command, the DNS records of all keys of the configuration."""
    if ctx.invoked_subcommand is None:
        keys = _configured(ctx)
        if as_json:
            echo_json(map(_view, keys))
        for key in [] if as_json else keys:
            click.echo(zone_line(key))


@dkim.command()
@click.argument("domain")
@click.option("--selector", default="", help="Of the RSA key; mpYEARMONTH by default.  The other's has an e.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where the key files go; the folder dkim in data_dir by default.",
)
@click.pass_context
def new(ctx: click.Context, domain: str, selector: str, into: Path | None) -> None:
    """Make an RSA and an ed25519 key; print their DNS records and the table for the configuration."""
    domain = ascii_domain(domain)
    selector = selector or time.strftime("mp%Y%m")
    folder = into or Path(read_site(ctx).config.data_dir) / "dkim"
    if not is_dns_name(domain) or not is_dns_name(f"{selector}e._domainkey.{domain}"):
        fail(f"{selector}._domainkey.{domain} is no name for a DNS record")
    with failures():
        rsa, ed25519 = (
            _make(folder, ConfiguredKey(domain, name, SigningKey.generate(algorithm)))
            for algorithm, name in ((Algorithm.RSA, selector), (Algorithm.ED25519, f"{selector}e"))
        )
    click.echo(f"; for the zone of {domain}; wait until it is served before you restart mailproc")
    click.echo(zone_line(rsa.key))
    click.echo(zone_line(ed25519.key))
    click.echo(f"\n# for the configuration\n{_table(rsa, ed25519)}")


@dkim.command()
@click.option("--nameserver", metavar="HOST[:PORT]", help="Ask this one; the system's by default.")
@_json
@click.pass_context
def check(ctx: click.Context, nameserver: str | None, as_json: bool) -> None:
    """Compare every key of the configuration with DNS; status 1 where a record is not as it should be."""
    try:
        server = Nameserver.parse(nameserver) if nameserver else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--nameserver") from None
    found = [(key, look_up(key.name, key.key, server)) for key in _configured(ctx)]
    if as_json:
        echo_json({**_view(key), "dns": published.value} for key, published in found)
    for key, published in [] if as_json else found:
        click.echo(f"{key.name} … {published.value}")
    if any(published is not Published.OK for _, published in found):
        ctx.exit(1)


def _configured(ctx: click.Context) -> list[ConfiguredKey]:
    with failures():
        keys = list(configured_keys(read_site(ctx).config))
    if not keys:
        fail('no key is configured, mail leaves unsigned; make some with "mailproc dkim new DOMAIN"')
    return keys


@dataclass(frozen=True, slots=True)
class _Made:
    key: ConfiguredKey
    file: Path


def _make(folder: Path, key: ConfiguredKey) -> _Made:
    """Write a key file that is ours alone; never over another."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{key.domain}.{key.selector}.pem"
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fail(f"{path} is there already: choose another --selector")
    with os.fdopen(file, "wb") as stream:
        stream.write(key.key.render())
        _give_away(stream.fileno(), folder)
        stream.flush()
        os.fsync(stream.fileno())
    return _Made(key, path)


def _give_away(file: int, folder: Path) -> None:
    """Who makes keys is often root; who reads them is the owner of the folder."""
    owner = folder.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(file, owner.st_uid, owner.st_gid)


def _table(rsa: _Made, ed25519: _Made) -> str:
    return "\n".join(
        (
            f'[dkim."{rsa.key.domain}"]',
            f'selector = "{rsa.key.selector}"',
            f'key_file = "{rsa.file.absolute()}"',
            f'ed25519_selector = "{ed25519.key.selector}"',
            f'ed25519_key_file = "{ed25519.file.absolute()}"',
        )
    )


def zone_line(key: ConfiguredKey) -> str:
    """The record as a zone file has it (RFC 1035 section 5.1)."""
    return f"{key.name}. {_TTL} IN TXT ( {' '.join(_quoted(key.key.record))} )"


def _quoted(record: str) -> Iterator[str]:
    return (f'"{string}"' for string in strings_of(record))


def _view(key: ConfiguredKey) -> dict[str, object]:
    return {
        "domain": key.domain,
        "selector": key.selector,
        "algorithm": key.key.algorithm.value,
        "bits": key.key.bits,
        "name": key.name,
        "record": key.key.record,
        "strings": list(strings_of(key.key.record)),
    }
