"""How much of a mail is looked at: every bound of the reader, in one place.

What lies over a bound is not refused: the reader keeps what it can and notes a defect.
"""

from __future__ import annotations

from dataclasses import dataclass, field

KIB = 1024
MIB = 1024 * KIB
MAX_DEFECTS = 50  # a mail can be wrong in more ways than anyone wants to read


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one reading; sizes in bytes unless said otherwise."""

    header_block: int = 256 * KIB
    headers: int = 1000
    header_value: int = 64 * KIB
    encoded_words: int = 500  # decoded in one header; further ones stay as they are
    parameters: int = 100  # of one Content-Type or Content-Disposition
    addresses: int = 200  # of one address header
    identifiers: int = 200  # of one References
    identifier: int = 998  # RFC 5322 section 2.1.1: what fits on one line
    parts: int = 500
    depth: int = 30  # of nested multiparts
    embedded: int = 10  # of messages inside messages
    text: int = 1 * MIB
    html: int = 256 * KIB
    html_depth: int = 200  # of nested elements
    quotes: int = 256 * KIB  # letters in which quotes and signatures are looked for
    attachment_text: int = 256 * KIB
    tnef: int = 10 * MIB


DEFAULT_LIMITS = Limits()


@dataclass(slots=True)
class Defects:
    """What was wrong with a mail, in the order it was found; each thing is said once."""

    found: list[str] = field(default_factory=list)

    def note(self, defect: str) -> None:
        if len(self.found) < MAX_DEFECTS and defect not in self.found:
            self.found.append(defect)
