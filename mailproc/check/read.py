"""A configuration file into a ``Loaded``, its values checked, or all its mistakes at once.

Filters and letters are not looked at, nor is anything imported that reads them: this is for commands that
use none, which must start fast, and which a broken one must not hinder.  ``check.load`` looks at all.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec.structs import replace

from mailproc.check.bucket import check_bucket
from mailproc.check.calendars import check_calendars, check_holidays
from mailproc.check.credentials import read_secrets
from mailproc.check.desks import check_site
from mailproc.check.drafts import check_drafts
from mailproc.check.imap import check_imap
from mailproc.check.paths import resolve_paths
from mailproc.check.report import follows, line_for, lines_of
from mailproc.check.reports import check_reports
from mailproc.check.sockets import check_sockets
from mailproc.check.submission import check_submission
from mailproc.check.targets import check_targets
from mailproc.config import Config, ConfigurationError, Loaded
from mailproc.model.mistake import Findings, Mistake
from mailproc.model.option import read_options
from mailproc.toml import Document, UnreadableToml, read_toml

Check = Callable[[Config, Document, Findings], None]


def read(
    path: Path, environment: Mapping[str, str], *, hostname: Callable[[], str] = socket.gethostname
) -> Loaded:
    """Read a configuration and check its values; raise ConfigurationError with every mistake, by line."""
    return read_and_check(path, environment, hostname, _check_values)


def read_with_holidays(
    path: Path, environment: Mapping[str, str], *, hostname: Callable[[], str] = socket.gethostname
) -> Loaded:
    """The same, with the calendars' holidays, which take longer."""
    return read_and_check(path, environment, hostname, _check_with_holidays)


def read_and_check(
    path: Path,
    environment: Mapping[str, str],
    hostname: Callable[[], str],
    check: Check,
) -> Loaded:
    """Read, fill in what follows from something else, and ask ``check`` for what is wrong beyond types."""
    try:
        document = read_toml(path)
    except UnreadableToml as error:
        raise ConfigurationError((line_for(error.mistake, path, error.mistake.line),)) from None
    misread: list[Mistake] = []
    config = _with_defaults(Config(**read_options(Config, document.values, (), misread)), hostname)
    findings = Findings()
    folder = path.absolute().parent
    config = resolve_paths(read_secrets(config, folder, environment, findings), folder, findings)
    check(config, document, findings)
    unruly = [mistake for mistake in findings.mistakes if not follows(mistake, misread)]
    if misread or unruly:
        raise ConfigurationError(lines_of([*misread, *unruly], document))
    return Loaded(path, config, lines_of(findings.warnings, document))


def _with_defaults(config: Config, hostname: Callable[[], str]) -> Config:
    """What is missing and follows from something else."""
    host = config.hostname or hostname()
    agents = {
        name: agent if agent.address else replace(agent, address=f"{name}@{host}")
        for name, agent in config.agent.items()
    }
    return replace(config, hostname=host, agent=agents)


def check_values(config: Config, findings: Findings) -> None:
    """Every rule that looks neither at filters nor at letters."""
    check_site(config, findings)
    check_calendars(config, findings)
    check_targets(config, findings)
    check_reports(config, findings)
    check_sockets(config, findings)
    check_imap(config, findings)
    if config.bucket:
        check_bucket(config.bucket, findings)
    check_drafts(config, findings)
    check_submission(config, findings)
    if config.dkim:
        from mailproc.check.dkim import check_dkim  # cryptography takes half as long as all the others

        check_dkim(config, findings)


def _check_values(config: Config, _document: Document, findings: Findings) -> None:
    check_values(config, findings)


def _check_with_holidays(config: Config, _document: Document, findings: Findings) -> None:
    check_values(config, findings)
    check_holidays(config, findings)
