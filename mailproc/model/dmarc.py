"""The policy that a domain publishes for mail in its name: DMARC (RFC 7489 section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailproc.model.alignment import organisational_domain

_POLICIES = frozenset({"none", "quarantine", "reject"})


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """What the record says; ``policy`` is none, quarantine or reject."""

    policy: str
    strict_dkim: bool = False  # adkim=s: the signing domain must be From's own
    strict_spf: bool = False  # aspf=s


def policy_domains(domain: str) -> tuple[str, ...]:
    """Where the record of a domain may be, in the order to look: its own place, then its organisation's."""
    return tuple(dict.fromkeys(filter(None, (domain, organisational_domain(domain)))))


def policy_name(domain: str) -> str:
    """The name of the TXT record (RFC 7489 section 6.1)."""
    return f"_dmarc.{domain}"


def read_policy(texts: Sequence[bytes], *, below: bool = False) -> DmarcRecord | None:
    """The record among the texts of its name; ``below``: it is the organisation's, for a domain below.

    None where there is no record, or more than one (section 6.6.3), or one without a policy that is known.
    """
    records = [tags for tags in map(_tags, texts) if tags]
    if len(records) != 1:
        return None
    (tags,) = records
    policy = tags.get("p", "").lower()
    if below:
        policy = tags.get("sp", policy).lower()
    if policy not in _POLICIES:
        if "rua" not in tags:
            return None
        policy = "none"  # section 6.6.3: somebody wants reports, so there is a record
    return DmarcRecord(policy, _is_strict(tags.get("adkim", "")), _is_strict(tags.get("aspf", "")))


def _is_strict(mode: str) -> bool:
    return mode.lower() == "s"


def _tags(text: bytes) -> dict[str, str]:
    """Tags and values; {} for another kind of text.  The version stands first (section 6.3)."""
    pairs = [part.partition("=") for part in text.decode("ascii", "replace").split(";")]
    first, equals, version = pairs[0]
    if first.strip() != "v" or not equals or version.strip() != "DMARC1":
        return {}
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}
