"""A configuration file into a ``Loaded``, all of it checked with filters and letters; and its chains."""

from __future__ import annotations

import socket
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mailproc.check.calendars import check_holidays
from mailproc.check.letters import check_letters
from mailproc.check.paths import template_folders
from mailproc.check.read import check_values, read_and_check
from mailproc.check.report import lines_of
from mailproc.config import Config, ConfigurationError, Loaded
from mailproc.model.mistake import Findings
from mailproc.pipeline.assembly import Supplies, build_chain
from mailproc.pipeline.chain import Chain
from mailproc.pipeline.loader import Library
from mailproc.pipeline.rehearsal import Unanswered
from mailproc.resolver import resolvers
from mailproc.stage import Desk, LookUps, Profile
from mailproc.toml import Document, read_toml


def load(
    path: Path, environment: Mapping[str, str], *, hostname: Callable[[], str] = socket.gethostname
) -> Loaded:
    """Read and check a configuration; raise ConfigurationError with every mistake, sorted by line."""
    return read_and_check(path, environment, hostname, _check)


def make_chains(loaded: Loaded, *, monotonic: Callable[[], float] = time.monotonic) -> dict[str, Chain]:
    """Fresh chains of a checked configuration, by desk, and those of ``[chains]``; none of them is open."""
    findings = Findings()
    chains = _chains(loaded.config, loaded.path.absolute().parent, findings, monotonic=monotonic)
    if findings.mistakes:  # a filter was changed since the configuration was loaded
        raise ConfigurationError(lines_of(findings.mistakes, read_toml(loaded.path)))
    return chains


def _check(config: Config, document: Document, findings: Findings) -> None:
    check_values(config, findings)
    check_holidays(config, findings)
    check_letters(config, findings)
    folder = document.path.absolute().parent
    _chains(config, folder, findings, look_ups=look_ups_of(config, folder))
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
        filters=Library(tuple(map(Path, config.filters))),
        folder=folder,
        everywhere=_stages(config),
        look_ups=look_ups,
    )
    chains = {
        name: build_chain(("desk", name, "chain"), desk.chain, supplies, findings, monotonic=monotonic)
        for name, desk in config.desk.items()
    }
    chains |= {
        name: build_chain(("chains", name), stages, supplies, findings, monotonic=monotonic)
        for name, stages in config.chains.items()
    }
    for chain in chains.values():
        chain.others = chains
    return chains


def _stages(config: Config) -> frozenset[str]:
    chains = [*(desk.chain for desk in config.desk.values()), *config.chains.values()]
    return frozenset(stage for chain in chains for stage in chain)


def look_ups_of(config: Config, folder: Path) -> LookUps:
    """What a stage can be opened with before there is a store: nobody answers."""
    addresses = [address for desk in config.desk.values() for address in desk.addresses]
    addresses += [agent.address for agent in config.agent.values()]
    nobody = Unanswered()
    return LookUps(
        tickets=nobody,
        history=nobody,
        tokens=nobody,
        templates=template_folders(config),
        hostname=config.hostname,
        folder=str(folder),
        own_addresses=frozenset(address.lower() for address in addresses),
        desks={name: Desk(name, name, (), agents=desk.agents) for name, desk in config.desk.items()},
        agents=dict.fromkeys(config.agent, Profile()),
        chains=frozenset((*config.desk, *config.chains)),
        resolver=resolvers(),
    )


def _warn_of_open_passwords(document: Document, findings: Findings) -> None:
    if not document.path.stat().st_mode & stat.S_IROTH:
        return
    for place in _places_of("password", document.values):
        findings.warn("everyone may read this file: better use password_file", *place)


def _places_of(key: str, table: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Where in the tables a key has a value."""
    if table.get(key):
        yield (key,)
    for name, inner in table.items():
        if isinstance(inner, dict):
            yield from ((name, *place) for place in _places_of(key, inner))
