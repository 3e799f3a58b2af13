"""Rules for a site's name, its desks and its agents."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mailproc.config import AgentSection, Config, DeskSection
from mailproc.model.address import Address, BadAddress
from mailproc.model.assignment import parse_absence
from mailproc.model.login import is_password_hash
from mailproc.model.mistake import Findings, did_you_mean
from mailproc.model.moment import parse_span

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")  # RFC 1123 section 2.1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")  # RFC 5646, as far as templates are named
_DELIMITERS = frozenset("+-=_#!$%&*/?^{|}~'`")  # atext of RFC 5322 section 3.2.3, without letters and digits


def check_site(config: Config, findings: Findings) -> None:
    """All rules of this file."""
    if not _HOSTNAME.fullmatch(config.hostname) or len(config.hostname) > 253:
        findings.refuse(f'"{config.hostname}" is no host name', "hostname")
    if not config.desk:
        findings.refuse("at least one [desk.NAME] is needed", "desk")
    for name, desk in config.desk.items():
        _check_desk(name, desk, config, findings)
    _check_addresses(config, findings)
    _check_folders(config.desk, findings)
    _check_agents(config, findings)
    for name in config.chains.keys() & config.desk.keys():
        findings.refuse("is the name of a desk, whose chain is called so", "chains", name)


def _check_desk(name: str, desk: DeskSection, config: Config, findings: Findings) -> None:
    key = ("desk", name)
    _check_name(name, "desk", findings)
    if not desk.addresses:
        findings.refuse("missing: a desk needs at least one address", *key, "addresses")
    if not _LANGUAGE.fullmatch(desk.language):
        findings.refuse(f'"{desk.language}" is no language, write "en" or "pt-BR"', *key, "language")
    if desk.reply_address and desk.delimiter not in _DELIMITERS:
        text = (
            "is one character between an address and its extension, such as +; or set reply_address = false"
        )
        findings.refuse(text, *key, "delimiter")
    if not desk.chain:
        findings.warn("the chain is empty: no mail gets a number", *key, "chain")
    _check_review(name, desk, findings)
    _check_silence(name, desk, findings)
    for number, agent in enumerate(desk.agents):
        if agent not in config.agent:
            hint = did_you_mean(agent, config.agent)
            findings.refuse(f"there is no [agent.{agent}]{hint}", *key, "agents", number)
        elif agent in desk.agents[:number]:
            findings.refuse(f'"{agent}" stands here twice', *key, "agents", number)


def _check_review(name: str, desk: DeskSection, findings: Findings) -> None:
    for number, agent in enumerate(desk.review):
        if agent not in desk.agents:
            hint = did_you_mean(agent, desk.agents)
            findings.refuse(f'"{agent}" is no agent of this desk{hint}', "desk", name, "review", number)
    if desk.review and not set(desk.agents) - set(desk.review):
        findings.refuse("leaves nobody who could approve an answer", "desk", name, "review")


def _check_silence(name: str, desk: DeskSection, findings: Findings) -> None:
    """When a ticket is closed whose customer is silent, and when the customer is told."""
    after = findings.attempt(parse_span, desk.close_after, "desk", name, "close_after")
    warning = findings.attempt(parse_span, desk.close_warning, "desk", name, "close_warning")
    if after and warning is not None and warning >= after:
        findings.refuse(
            f'must be shorter than close_after ("{desk.close_after}")', "desk", name, "close_warning"
        )


def _check_name(name: str, kind: str, findings: Findings) -> None:
    if not _NAME.fullmatch(name):
        text = f'"{name}" is no name, use up to 64 letters, digits, ".", "_" and "-"'
        findings.refuse(text, kind, name)


def _check_addresses(config: Config, findings: Findings) -> None:
    """Desks' and agents' addresses: each is an address, and of one desk or agent only."""
    taken: dict[str, str] = {}
    entries: list[tuple[str, str, tuple[str | int, ...]]] = [
        (text, f"desk {name}", ("desk", name, "addresses", number))
        for name, desk in config.desk.items()
        for number, text in enumerate(desk.addresses)
    ]
    entries += [
        (agent.address, f"agent {name}", ("agent", name, "address")) for name, agent in config.agent.items()
    ]
    entries += [
        (text, f"agent {name}", ("agent", name, "addresses", number))
        for name, agent in config.agent.items()
        for number, text in enumerate(agent.addresses)
    ]
    for text, whose, key in entries:
        try:
            address = Address.parse(text)
        except BadAddress as error:
            findings.refuse(str(error), *key)
            continue
        if address.key in taken:
            findings.refuse(f"{text} is already an address of {taken[address.key]}", *key)
        taken.setdefault(address.key, whose)


def _check_folders(desks: dict[str, DeskSection], findings: Findings) -> None:
    taken: dict[str, str] = {}
    for name, desk in desks.items():
        folder = desk.folder or name
        if not folder.isprintable() or folder != folder.strip("/ "):
            findings.refuse(f"{folder!r} is no name of a folder", "desk", name, "folder")
        if folder in taken:
            findings.refuse(
                f'"{folder}" is already the folder of desk {taken[folder]}', "desk", name, "folder"
            )
        taken.setdefault(folder, name)


def _check_agents(config: Config, findings: Findings) -> None:
    working = {agent for desk in config.desk.values() for agent in desk.agents}
    for name, twin in _same_but_for_case(config.agent):
        findings.refuse(f"differs from [agent.{twin}] in case only", "agent", name)
    for name, agent in config.agent.items():
        _check_name(name, "agent", findings)
        if name not in working:
            findings.warn("works for no desk", "agent", name)
        _check_password(name, agent, config, findings)
        _check_languages(name, agent, findings)
        _check_absences(name, agent, findings)


def _check_languages(name: str, agent: AgentSection, findings: Findings) -> None:
    for number, language in enumerate(agent.languages):
        if not _LANGUAGE.fullmatch(language):
            text = f'"{language}" is no language, write "en" or "pt-BR"'
            findings.refuse(text, "agent", name, "languages", number)


def _check_absences(name: str, agent: AgentSection, findings: Findings) -> None:
    for number, text in enumerate(agent.absent):
        findings.attempt(parse_absence, text, "agent", name, "absent", number)


def _same_but_for_case(names: Iterable[str]) -> list[tuple[str, str]]:
    seen: dict[str, str] = {}
    return [(name, twin) for name in names if (twin := seen.setdefault(name.lower(), name)) != name]


def _check_password(name: str, agent: AgentSection, config: Config, findings: Findings) -> None:
    """A login that cannot work is no reason to stop the mail: it is refused, and the daemon runs."""
    key = ("agent", name, "password_hash")
    if agent.password_hash and not is_password_hash(agent.password_hash):
        findings.warn(
            "is no hash of a password, this login is refused; make one with: mailproc agent hash", *key
        )
    elif not agent.password_hash and config.submission.listen and config.submission.auth == "passwords":
        findings.warn("missing: this agent cannot log in; make one with: mailproc agent hash", *key)
