"""A configuration file into a checked ``Loaded``, or all its mistakes at once."""

from __future__ import annotations

import socket
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from mailproc.check.credentials import read_secrets
from mailproc.check.desks import check_site
from mailproc.check.dkim import check_dkim
from mailproc.check.drafts import check_drafts
from mailproc.check.imap import check_imap
from mailproc.check.letters import check_letters
from mailproc.check.paths import resolve_paths, template_folders
from mailproc.check.sockets import check_sockets
from mailproc.check.submission import check_submission
from mailproc.config import Config, ConfigurationError, Loaded
from mailproc.model.mistake import Findings, Mistake
from mailproc.model.option import read_options
from mailproc.pipeline.assembly import Supplies, build_chain
from mailproc.pipeline.chain import Chain
from mailproc.pipeline.loader import Library
from mailproc.pipeline.rehearsal import Unanswered
from mailproc.stage import LookUps
from mailproc.toml import Document, UnreadableToml, read_toml


def load(
    path: Path, environment: Mapping[str, str], *, hostname: Callable[[], str] = socket.gethostname
) -> Loaded:
    """Read and check a configuration; raise ConfigurationError with every mistake, sorted by line."""
    return _read(path, environment, hostname, _check)


def read(
    path: Path, environment: Mapping[str, str], *, hostname: Callable[[], str] = socket.gethostname
) -> Loaded:
    """The same without a look at filters, for commands that run none; a broken one must not hinder them."""
    return _read(path, environment, hostname, _check_values)


def _read(
    path: Path,
    environment: Mapping[str, str],
    hostname: Callable[[], str],
    check: Callable[[Config, Document, Findings], None],
) -> Loaded:
    try:
        document = read_toml(path)
    except UnreadableToml as error:
        raise ConfigurationError((_line(error.mistake, path, error.mistake.line),)) from None
    misread: list[Mistake] = []
    config = _with_defaults(Config(**read_options(Config, document.values, (), misread)), hostname)
    findings = Findings()
    folder = path.absolute().parent
    config = resolve_paths(read_secrets(config, folder, environment, findings), folder, findings)
    check(config, document, findings)
    unruly = [mistake for mistake in findings.mistakes if not _follows(mistake, misread)]
    if misread or unruly:
        raise ConfigurationError(_lines([*misread, *unruly], document))
    return Loaded(path, config, _lines(findings.warnings, document))


def make_chains(loaded: Loaded, *, monotonic: Callable[[], float] = time.monotonic) -> dict[str, Chain]:
    """Fresh chains of a checked configuration, by desk; none of them is open."""
    findings = Findings()
    chains = _chains(loaded.config, loaded.path.absolute().parent, findings, monotonic=monotonic)
    if findings.mistakes:  # a filter was changed since the configuration was loaded
        raise ConfigurationError(_lines(findings.mistakes, read_toml(loaded.path)))
    return chains


def _with_defaults(config: Config, hostname: Callable[[], str]) -> Config:
    """What is missing and follows from something else."""
    host = config.hostname or hostname()
    agents = {
        name: agent if agent.address else replace(agent, address=f"{name}@{host}")
        for name, agent in config.agent.items()
    }
    return replace(config, hostname=host, agent=agents)


def _check_values(config: Config, document: Document, findings: Findings) -> None:
    check_site(config, findings)
    check_sockets(config, findings)
    check_imap(config, findings)
    check_drafts(config, findings)
    check_submission(config, findings)
    check_dkim(config, findings)
    check_letters(config, findings)


def _check(config: Config, document: Document, findings: Findings) -> None:
    _check_values(config, document, findings)
    _chains(config, document.path.absolute().parent, findings, look_ups=_look_ups(config))
    used = _stages(config)
    for name in config.stage:
        if name not in used:
            findings.warn("stands in no chain", "stage", name)
    _warn_of_open_passwords(document, findings)


def _chains(
    config: Config,
    folder: Path,
    findings: Findings,
    *,
    look_ups: LookUps | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> dict[str, Chain]:
    supplies = Supplies(
        tables=config.stage,
        library=Library(tuple(map(Path, config.filters))),
        folder=folder,
        everywhere=_stages(config),
        look_ups=look_ups,
    )
    return {
        name: build_chain(name, desk.chain, supplies, findings, monotonic=monotonic)
        for name, desk in config.desk.items()
    }


def _stages(config: Config) -> frozenset[str]:
    return frozenset(stage for desk in config.desk.values() for stage in desk.chain)


def _look_ups(config: Config) -> LookUps:
    addresses = [address for desk in config.desk.values() for address in desk.addresses]
    addresses += [agent.address for agent in config.agent.values()]
    nobody = Unanswered()
    return LookUps(
        tickets=nobody,
        history=nobody,
        tokens=nobody,
        templates=template_folders(config),
        hostname=config.hostname,
        own_addresses=frozenset(address.lower() for address in addresses),
    )


def _warn_of_open_passwords(document: Document, findings: Findings) -> None:
    if not document.path.stat().st_mode & stat.S_IROTH:
        return
    for section in ("relay", "imap"):
        table = document.values.get(section)
        if isinstance(table, dict) and table.get("password"):
            findings.warn("everyone may read this file: better use password_file", section, "password")


def _follows(mistake: Mistake, misread: Iterable[Mistake]) -> bool:
    """Whether a rule complains of what a misread value, or an item of an array, left behind."""
    left = {other.key for other in misread}
    left |= {other.key[:-1] for other in misread if isinstance(other.key[-1], int)}
    return any(mistake.key[:length] in left for length in range(len(mistake.key) + 1))


def _lines(mistakes: Iterable[Mistake], document: Document) -> tuple[str, ...]:
    """One line each, those of the configuration first, by line; what several desks found is said once."""
    placed = {
        (mistake.file, mistake.line if mistake.file else document.line_of(mistake.key), mistake)
        for mistake in mistakes
    }
    ordered = sorted(placed, key=lambda entry: (entry[0], entry[1], entry[2].name, entry[2].text))
    return tuple(_line(mistake, document.path, line) for _, line, mistake in ordered)


def _line(mistake: Mistake, path: Path, line: int) -> str:
    place = f"{mistake.file or path}:{line}" if line else f"{mistake.file or path}"
    return f"{place}: {mistake.name}: {mistake.text}" if mistake.key else f"{place}: {mistake.text}"
