"""Rules for signing keys: each can be read by us and not by everyone, fits its place, and has a selector."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mailproc.check.credentials import readable
from mailproc.config import Config, DkimSection
from mailproc.model.address import Address, ascii_domain
from mailproc.model.mistake import Findings
from mailproc.model.signing_key import RSA_BITS, Algorithm, BadKey, SigningKey

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_DNS_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")  # a selector may have dots (RFC 6376 section 3.1)
_MAX_DNS_NAME = 253


class _Place(NamedTuple):
    """Where a section holds a key of one kind."""

    algorithm: Algorithm
    selector: str  # the name of its key
    file: str


PLACES = (
    _Place(Algorithm.RSA, "selector", "key_file"),
    _Place(Algorithm.ED25519, "ed25519_selector", "ed25519_key_file"),
)


@dataclass(frozen=True, slots=True)
class ConfiguredKey:
    """One key of a configuration; ``domain`` is as DNS knows it."""

    domain: str
    selector: str
    key: SigningKey

    @property
    def name(self) -> str:
        """Of its DNS record (RFC 6376 section 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def configured_keys(config: Config) -> Iterator[ConfiguredKey]:
    """The keys of a checked configuration, RSA first; OSError or BadKey where a file has changed since."""
    for domain, section in config.dkim.items():
        for place in PLACES:
            if file := getattr(section, place.file):
                key = SigningKey.parse(Path(file).read_bytes())
                yield ConfiguredKey(ascii_domain(domain), getattr(section, place.selector), key)


def is_dns_name(text: str) -> bool:
    return len(text) <= _MAX_DNS_NAME and _DNS_NAME.fullmatch(text) is not None


def check_dkim(config: Config, findings: Findings) -> None:
    """All rules of this file."""
    senders = _sending_domains(config)
    for domain, section in config.dkim.items():
        key = ("dkim", domain)
        if not is_dns_name(ascii_domain(domain)):
            findings.refuse(f'"{domain}" is no domain', *key)
            continue
        if ascii_domain(domain) not in senders:
            findings.warn("no desk and no agent has an address at this domain", *key)
        if not any(getattr(section, place.file) for place in PLACES):
            findings.refuse("no key: key_file or ed25519_key_file is needed", *key)
        for place in PLACES:
            _check_place(domain, section, place, findings)
        if section.selector and section.selector.lower() == section.ed25519_selector.lower():
            findings.refuse("two keys need two selectors", *key, "ed25519_selector")


def _sending_domains(config: Config) -> set[str]:
    texts = [text for desk in config.desk.values() for text in desk.addresses]
    texts += [agent.address for agent in config.agent.values()]
    texts += [text for agent in config.agent.values() for text in agent.addresses]
    return {ascii_domain(address.domain) for text in texts if (address := Address.parse_or_none(text))}


def _check_place(domain: str, section: DkimSection, place: _Place, findings: Findings) -> None:
    selector, file = getattr(section, place.selector), getattr(section, place.file)
    if selector and not file:
        findings.refuse(f"has no key: {place.file} is needed", "dkim", domain, place.selector)
    if not file:
        return
    if not selector:
        findings.refuse(f"missing: {place.file} needs a selector", "dkim", domain, place.selector)
    elif not is_dns_name(f"{selector}._domainkey.{ascii_domain(domain)}"):
        findings.refuse(f'"{selector}" is no selector', "dkim", domain, place.selector)
    _check_file(Path(file), place, findings, "dkim", domain, place.file)


def _check_file(path: Path, place: _Place, findings: Findings, *key: str) -> None:
    text = readable(path, findings, *key)
    if not text:
        return
    try:
        signing_key = SigningKey.parse(text.encode())
    except BadKey as error:
        findings.refuse(f"{path}: {error}", *key)
        return
    if signing_key.algorithm is not place.algorithm:
        findings.refuse(f"{path} holds an {signing_key.algorithm.value} key", *key)
    elif signing_key.algorithm is Algorithm.RSA and signing_key.bits < RSA_BITS:
        findings.warn(f"{signing_key.bits} bits are few for an RSA key: {RSA_BITS} are usual", *key)
