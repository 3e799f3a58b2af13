"""Mail addresses as SMTP knows them (RFC 5321 section 4.1.2, with RFC 6531's letters)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import NamedTuple

_UTF8 = r"\u00a1-\u2027\u202a-\U0010ffff"  # RFC 6531's letters, without controls and line separators

MAX_LOCAL = 64  # octets, RFC 5321 section 4.5.3.1.1; kept in what we make, not asked of others
MAX_PATH = 254  # octets without the angle brackets, RFC 5321 section 4.5.3.1.3


class BadAddress(ValueError):
    """The text is no addr-spec that SMTP could carry."""


class _Forms(NamedTuple):
    local: re.Pattern[str]
    domain: re.Pattern[str]


def _forms(letters: str) -> _Forms:
    """What local parts and domains look like, with these letters beside those of ASCII."""
    atext = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{letters}-]+"
    quoted = rf'"(?:[ !#-\[\]-~{letters}]|\\[ -~])*"'
    label = rf"[A-Za-z0-9{letters}](?:[A-Za-z0-9_{letters}-]*[A-Za-z0-9{letters}])?"
    return _Forms(
        re.compile(rf"{atext}(?:\.{atext})*|{quoted}"),
        re.compile(rf"{label}(?:\.{label})*|\[[0-9A-Za-z.:]+\]"),
    )


_ASCII = _forms("")
_international = cache(partial(_forms, _UTF8))  # such large sets are slow to compile, and few mails need them


@dataclass(frozen=True, slots=True)
class Address:
    """An addr-spec: the local part as written, the domain in lower case."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def key(self) -> str:
        """The form to compare by: everything in lower case."""
        return str(self).lower()

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read one addr-spec; raise BadAddress for anything that must not enter SMTP."""
        return _parsed(text)

    @classmethod
    def _parse(cls, text: str) -> Address:
        local, at, domain = text.rpartition("@")
        if not at:
            raise BadAddress(f"no @ in address {text!r}")
        forms = _ASCII if text.isascii() else _international()
        if not forms.local.fullmatch(local):
            raise BadAddress(f"bad local part in address {text!r}")
        if not forms.domain.fullmatch(domain):
            raise BadAddress(f"bad domain in address {text!r}")
        cls._check_length(text)
        return cls(local, domain.lower())

    @staticmethod
    def _check_length(text: str) -> None:
        """Local parts over 64 octets are in use, by senders that put a recipient into theirs (VERP)."""
        if len(text) <= MAX_PATH and text.isascii():
            return  # as nearly always; this runs for each command of each mail
        if len(text.encode("utf-8", "surrogatepass")) > MAX_PATH:
            raise BadAddress(f"address of {len(text)} characters is too long")

    @classmethod
    def parse_or_none(cls, text: str) -> Address | None:
        try:
            return cls.parse(text)
        except BadAddress:
            return None


# One mail names the same address in its envelope, in From, and again when it is read back.
_parsed = lru_cache(maxsize=1024)(Address._parse)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name and an address, as in From (RFC 5322 section 3.4); the name may be empty."""

    name: str
    address: Address


def ascii_domain(domain: str) -> str:
    """A domain as DNS knows it, in lower case (RFC 5890); "" for one that DNS cannot hold."""
    if domain.isascii():
        return domain.lower()
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
