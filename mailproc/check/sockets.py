"""Rules for what we listen on and connect to, and for the store's URL."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from importlib.util import find_spec

from mailproc.config import Config, ImapSection, RelaySection
from mailproc.listen.sockets import Endpoint, SystemdEndpoint, TcpEndpoint, parse_endpoint
from mailproc.model.mistake import Findings, did_you_mean

_LISTENERS = ("lmtp", "smtp", "submission", "metrics")


def check_sockets(config: Config, findings: Findings) -> None:
    """All rules of this file."""
    _check_store(config.store.url, findings)
    _check_listeners(config, findings)
    for section, peer in (("relay", config.relay), ("imap", config.imap)):
        if peer is not None:
            _check_peer(section, peer, findings)
    _warn_of_gaps(config, findings)


def endpoints(config: Config) -> Iterator[tuple[str, int, Endpoint | ValueError]]:
    """Each ``listen`` entry with its section and place; a ValueError where it is none."""
    for section in _LISTENERS:
        for number, entry in enumerate(getattr(config, section).listen):
            try:
                yield section, number, parse_endpoint(entry)
            except ValueError as error:
                yield section, number, error


def is_loopback(host: str) -> bool:
    """Whether mail to this host stays on the machine."""
    if host.lower() in ("localhost", "localhost.localdomain", "ip6-localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_store(url: str, findings: Findings) -> None:
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and not rest:
        findings.refuse("no path after sqlite:", "store", "url")
    elif scheme != "sqlite" and not url.startswith("postgresql://"):
        hint = did_you_mean(scheme, ("sqlite", "postgresql"))
        findings.refuse(f"is neither sqlite:PATH nor postgresql://…{hint}", "store", "url")
    elif scheme == "postgresql" and find_spec("psycopg") is None:
        findings.refuse('needs psycopg: pip install "mailproc[postgresql]"', "store", "url")


def _check_listeners(config: Config, findings: Findings) -> None:
    taken: dict[str, str] = {}
    for section, number, endpoint in endpoints(config):
        key = (section, "listen", number)
        if isinstance(endpoint, ValueError):
            findings.refuse(str(endpoint), *key)
            continue
        if str(endpoint) in taken and not _is_any_port(endpoint):
            findings.refuse(f"{endpoint} is already taken by {taken[str(endpoint)]}", *key)
        taken.setdefault(str(endpoint), f"{section}.listen")
        if section == "submission" and config.submission.tls == "none" and _is_public(endpoint):
            findings.refuse(f'"none" is for loopback only, and {endpoint} is not', section, "tls")
        if section == "metrics" and _is_public(endpoint):
            findings.warn(f"{endpoint} is not on loopback, and whoever reaches it may read the figures", *key)


def _is_any_port(endpoint: Endpoint) -> bool:
    return isinstance(endpoint, TcpEndpoint) and endpoint.port == 0


def _is_public(endpoint: Endpoint) -> bool:
    return isinstance(endpoint, TcpEndpoint) and not is_loopback(endpoint.host)


def _check_peer(section: str, peer: RelaySection | ImapSection, findings: Findings) -> None:
    try:
        endpoint = parse_endpoint(peer.address)
    except ValueError:
        endpoint = SystemdEndpoint("")
    if not isinstance(endpoint, TcpEndpoint) or not endpoint.host or not endpoint.port:
        findings.refuse(f'"{peer.address}" is no HOST:PORT', section, "address")
    elif peer.tls == "none" and not is_loopback(endpoint.host):
        findings.refuse(f'"none" is for loopback only, and {endpoint.host} is not', section, "tls")
    needs_password = isinstance(peer, RelaySection) or peer.login != "xoauth2"
    if peer.user and not peer.password and needs_password:
        findings.warn(f"missing, so {peer.user} cannot log in", section, "password")


def _warn_of_gaps(config: Config, findings: Findings) -> None:
    if config.store.url.startswith("postgresql://") and not config.secret_file:
        findings.warn("missing: name one that all machines have, or each makes its own", "secret_file")
    if not config.lmtp.listen and not config.smtp.listen:
        findings.warn("nothing listens here nor in [smtp]: no mail comes in", "lmtp")
    if config.relay is None:
        findings.warn("missing: nothing is sent, outgoing mail waits in the outbox", "relay")
