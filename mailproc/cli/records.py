"""What DNS says of a signing key (RFC 6376 section 3.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import dns.exception
import dns.resolver

from mailproc.model.signing_key import Algorithm, SigningKey

PATIENCE = 5.0  # seconds for one look-up
DNS_PORT = 53


class Published(StrEnum):
    """What was found where a record should be."""

    OK = "ok"
    MISSING = "no record"
    OTHER = "the record is of another key"
    BROKEN = "the record cannot be read"
    REVOKED = "the record says that the key was withdrawn"
    SEVERAL = "several records: which counts is not defined"
    UNANSWERED = "no answer from DNS"


@dataclass(frozen=True, slots=True)
class Nameserver:
    """Whom to ask."""

    host: str
    port: int = DNS_PORT

    @classmethod
    def parse(cls, text: str) -> Nameserver:
        """Read ``HOST``, ``HOST:PORT``, ``V6`` or ``[V6]:PORT``; the host is an IP address."""
        found = re.fullmatch(
            r"\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?|([0-9.]+)(?::(\d{1,5}))?|([0-9A-Fa-f:]+)", text
        )
        if found is None:
            raise ValueError(f"{text} is no IP address")
        return cls(found[1] or found[3] or found[5], int(found[2] or found[4] or DNS_PORT))


def look_up(name: str, key: SigningKey, server: Nameserver | None = None) -> Published:
    """Compare the record of this name with what the key needs."""
    try:
        resolver = dns.resolver.Resolver(configure=server is None)
        if server is not None:
            resolver.nameservers, resolver.port = [server.host], server.port
        answer = resolver.resolve(name, "TXT", lifetime=PATIENCE, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return Published.MISSING
    except dns.exception.DNSException:
        return Published.UNANSWERED
    texts = [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    return compare(texts[0], key) if len(texts) == 1 else Published.SEVERAL


def compare(record: str, key: SigningKey) -> Published:
    """What a record's text says of our key."""
    tags = {
        name.strip(): re.sub(r"\s", "", value)
        for name, equals, value in (tag.partition("=") for tag in record.split(";"))
        if equals
    }
    if tags.get("v", "DKIM1") != "DKIM1" or "p" not in tags:
        return Published.BROKEN
    if not tags["p"]:
        return Published.REVOKED
    same = tags["p"] == key.public and tags.get("k", Algorithm.RSA.value) == key.algorithm.value
    return Published.OK if same else Published.OTHER
