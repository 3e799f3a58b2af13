"""One header field as bytes: checked, RFC 2047-encoded and folded.

Everything that we write into a header of a mail goes through ``encode_field``.  It raises ValueError for
control characters and for anything else that could end a field early or make a second one (RFC 5322
section 2.2); nothing is repaired in silence.  Lines are at most 78 characters long (section 2.1.1) wherever
the value has a place to fold at.
"""

from __future__ import annotations

import base64
import functools
import re
from bisect import bisect_right
from collections.abc import Callable

from mailproc.model.address import Address

LINE = 78  # characters, RFC 5322 section 2.1.1
_WORD = 75  # of one encoded word, RFC 2047 section 2
_LONGEST_LINE = 998  # RFC 5322 section 2.1.1

_NAME = re.compile(r"[!-9;-~]{1,76}")
_AS_IT_STANDS = re.compile(r"[!-9;-~]{1,76}: [!-~](?:[ -~]*[!-~])?")  # a name, and printable ASCII
# C0, DEL, C1 (with NEL U+0085), the two Unicode line ends, and what UTF-8 cannot carry.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# Words that stand for themselves, each with the one space behind it; no space follows that.
_PLAIN_WORDS = re.compile(r"(?:(?!=\?|[!-~]*=\?)[!-~]{1,60} (?! ))*")
_PLAIN_IN_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")

# Fields of free text: the only ones where an encoded word may stand for the whole value (RFC 2047 section 5).
_FREE_TEXT = frozenset({"subject", "comments", "content-description", "organization", "thread-topic"})
_FREE_TEXT_PREFIX = "x-"


def check_text(text: str) -> None:
    """Raise ValueError for characters that may stand in no header."""
    found = _FORBIDDEN.search(text)
    if found is not None:
        raise ValueError(f"U+{ord(found[0]):04X} may not stand in a header")


def encode_field(name: str, value: str) -> bytes:
    """``Name: value`` as folded lines that end with CRLF; spaces around the value are not part of it.

    In free text (Subject, X-…) what is not ASCII becomes encoded words.  In other fields only
    addresses can be non-ASCII; they stay UTF-8 (RFC 6532), and names in them are encoded by
    ``mailbox_header``.  ValueError: a bad name, a control character, a word too long for a line (998 octets)
    in a field where it cannot be encoded.
    """
    line = f"{name}: {value}"
    if len(line) <= LINE and _AS_IT_STANDS.fullmatch(line) and "=?" not in value and ":" not in name:
        return line.encode() + b"\r\n"  # as most are
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"bad header name {name!r}")
    check_text(value)
    value = value.strip(" ")
    if is_free_text(name) and _needs_encoding(value):
        plain = _plain_beginning(value)
        room = LINE - len(name) - 2 - len(plain)
        value = plain + " ".join(encoded_words(value[len(plain) :], first=room))
    lines = _fold(f"{name}:", value)
    if any(len(line.encode()) > _LONGEST_LINE for line in lines):
        raise ValueError(f"a word in {name} is too long for a line of a header")
    return "\r\n".join(lines).encode() + b"\r\n"


@functools.lru_cache(maxsize=1024)  # a desk's own stands in every answer
def mailbox_header(name: str, address: Address) -> str:
    """A display name and an address as a header's value (RFC 5322 section 3.4).

    Characters that only change the direction of writing are taken out of the name: they make an address
    look like another one.
    """
    check_text(name)
    name = _BIDI.sub("", name).strip(" ")
    if not name:
        return str(address)
    return f"{_phrase(name)} <{address}>"


def encoded_words(text: str, *, first: int = _WORD) -> list[str]:
    """Text as RFC 2047 encoded words in UTF-8; ``first`` is the room on the first line, in characters."""
    encode = _q if len(_q(text)) <= len(_b(text)) else _b
    words = []
    rest = text
    room = first if first >= 30 else _WORD
    while rest:
        count = _fitting(rest, encode, min(room, _WORD))
        words.append(encode(rest[:count]))
        rest = rest[count:]
        room = _WORD
    return words


def is_free_text(name: str) -> bool:
    """May an encoded word stand anywhere in a field of this name?"""
    lower = name.lower()
    return lower in _FREE_TEXT or lower.startswith(_FREE_TEXT_PREFIX)


def _needs_encoding(value: str) -> bool:
    """Not ASCII; or ASCII that a reader would take for an encoded word; or impossible to fold."""
    longest = max(map(len, value.split(" ")), default=0)
    return not value.isascii() or "=?" in value or longest > _LONGEST_LINE - 98 or " " * LINE in value


def _plain_beginning(value: str) -> str:
    """The words before the first that needs encoding: a reader that decodes nothing finds a tag there."""
    match = _PLAIN_WORDS.match(value)
    return match[0] if match else ""


def _phrase(name: str) -> str:
    if _needs_encoding(name):
        return " ".join(encoded_words(name))
    if _ATOMS.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _q(text: str) -> str:
    return "=?utf-8?q?" + "".join(map(_q_octet, text.encode())) + "?="


def _q_octet(octet: int) -> str:
    if octet in _PLAIN_IN_Q:
        return chr(octet)
    return "_" if octet == 0x20 else f"={octet:02X}"


def _b(text: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def _fitting(text: str, encode: Callable[[str], str], room: int) -> int:
    """How many characters of the text fit into one encoded word; never a part of a character."""
    sizes = range(1, min(len(text), room) + 1)
    return max(1, bisect_right(sizes, room, key=lambda size: len(encode(text[:size]))))


def _fold(head: str, value: str) -> list[str]:
    """Break before spaces, which stay in the value (RFC 5322 section 2.2.3)."""
    lines = [head]
    for token in re.findall(r" *[^ ]+", f" {value}"):
        if len(lines[-1]) + len(token) > LINE and lines[-1] != head:
            lines.append(token)
        else:
            lines[-1] += token
    return lines
