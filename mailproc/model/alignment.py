"""Do two domains belong to one organisation (RFC 7489 sections 3.1 and 3.2)?

The organisational domain is a public suffix and one label more.  The suffixes are those of publicsuffix.org,
all of them: below ``github.io`` each name is an organisation of its own.  The list comes with the package
publicsuffixlist; only its file is read, once, when two domains differ for the first time.  A domain that the
list does not know has its last label as suffix.  Names that DNS cannot hold belong to nobody.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from mailproc.model.address import ascii_domain

_LIST = "public_suffix_list.dat"
_LONGEST = 253  # octets of a name in DNS (RFC 1035 section 2.3.4)


@dataclass(frozen=True, slots=True)
class Suffixes:
    """The rules of the list by kind; each name in the letters of its language, without the marks."""

    plain: frozenset[str]
    wild: frozenset[str]  # "*.ck" is kept as "ck": each name below it is a suffix
    exceptions: frozenset[str]  # "!www.ck" is kept as "www.ck": this one is none

    @classmethod
    def parse(cls, text: str) -> Suffixes:
        """Read the list as publicsuffix.org writes it; lines that are no rule are passed over."""
        rules = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("//")]
        return cls(
            plain=frozenset(rule for rule in rules if rule[0] not in "*!"),
            wild=frozenset(rule[2:] for rule in rules if rule.startswith("*.")),
            exceptions=frozenset(rule[1:] for rule in rules if rule.startswith("!")),
        )

    def length(self, labels: list[str]) -> int:
        """How many of a name's last labels are its public suffix; the longest rule counts."""
        for start in range(len(labels)):
            name = ".".join(labels[start:])
            if name in self.exceptions:
                return len(labels) - start - 1
            if name in self.plain or name.partition(".")[2] in self.wild:
                return len(labels) - start
        return 1


def is_aligned(one: str, other: str, *, strict: bool = False) -> bool:
    """Are the two of one organisation, or ``strict``: the same?  A single label is of no organisation."""
    one, other = _normal(one), _normal(other)
    if "." not in one or "." not in other:
        return False
    if one == other or strict:
        return one == other
    organisation = organisational_domain(one)
    return bool(organisation) and organisation == organisational_domain(other)


@lru_cache(maxsize=4096)
def organisational_domain(domain: str) -> str:
    """The registered name that a domain is of or below, in ASCII; "" for a public suffix and for no name."""
    labels = _normal(domain).split(".")
    if len(labels) < 2 or not all(labels):
        return ""
    length = _suffixes().length([_readable(label) for label in labels])
    return ".".join(labels[-length - 1 :]) if length < len(labels) else ""


def _normal(domain: str) -> str:
    domain = domain.rstrip(".")
    domain = domain.lower() if domain.isascii() else ascii_domain(domain)
    return domain if len(domain) <= _LONGEST else ""


def _readable(label: str) -> str:
    """A label in the letters of its language (RFC 5891 section 4.1); as it is where it is none."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


@cache
def _suffixes() -> Suffixes:
    package = importlib.util.find_spec("publicsuffixlist")  # without importing it, which takes long
    assert package is not None
    assert package.submodule_search_locations is not None
    return Suffixes.parse(Path(package.submodule_search_locations[0], _LIST).read_text("utf-8"))
