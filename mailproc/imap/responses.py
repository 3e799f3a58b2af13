"""Read what an IMAP server answers, and write what it is asked: pure, no connection.

Responses come as imaplib stores them: a list in which each line is octets, or, where it has literals
(RFC 3501 section 4.3), pairs of the octets before a literal and the literal, then the octets after the last.
ValueError where a response is not as it should be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from imapclient.imap_utf7 import decode as _decode_utf7  # type: ignore[import-untyped]
from imapclient.imap_utf7 import encode as _encode_utf7
from imapclient.response_parser import parse_response  # type: ignore[import-untyped]

from mailproc.imap.mailbox import Folder, Namespace, Status

Piece = bytes | tuple[bytes, bytes]

_CODE = re.compile(r"\[([A-Za-z][A-Za-z0-9-]*)[^\]]*\]\s*")
_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)", re.IGNORECASE)
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)", re.IGNORECASE)
_INTERNALDATE = re.compile(rb'\bINTERNALDATE "([^"]+)"', re.IGNORECASE)
_HEADER = re.compile(rb"\bBODY\[HEADER", re.IGNORECASE)
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:(.*(?:\n[ \t].*)*)", re.MULTILINE)
_UNFOLD = re.compile(rb"\r?\n(?=[ \t])")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONGEST_COMMAND = 8000  # octets of UIDs in one command; RFC 7162 section 4 asks servers for 8192
LONGEST_FIELD = 998  # octets of one header field that names a copy


class Unsayable(ValueError):
    """A text that cannot stand in a command."""


def code_of(text: str) -> tuple[str, str]:
    """The response code of a status line, in upper case, and what a person may read."""
    found = _CODE.match(text)
    return (found[1].upper(), text[found.end() :]) if found else ("", text)


def quoted(text: str) -> bytes:
    """A quoted string (RFC 3501 section 4.3); Unsayable for what cannot stand in one."""
    if not text.isprintable():
        raise Unsayable(f"{text!r} cannot be said to an IMAP server")
    return b'"' + text.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def mailbox_name(name: str) -> bytes:
    """A mailbox name as the server reads it: modified UTF-7 (RFC 3501 section 5.1.3), quoted."""
    encoded: bytes = _encode_utf7(name)
    return quoted(encoded.decode("ascii"))


def uid_sets(uids: Iterable[int], longest: int = LONGEST_COMMAND) -> Iterator[bytes]:
    """Message sets that together name these UIDs and no other: ``1:3,7``."""
    part = b""
    for first, last in _runs(sorted(set(uids))):
        run = b"%d" % first if first == last else b"%d:%d" % (first, last)
        if part and len(part) + len(run) >= longest:
            yield part
            part = b""
        part = part + b"," + run if part else run
    if part:
        yield part


def _runs(ordered: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for index, uid in enumerate(ordered):
        if index + 1 == len(ordered) or ordered[index + 1] != uid + 1:
            yield ordered[start], uid
            start = index + 1


def internaldate(seconds: float) -> bytes:
    """A date-time of RFC 3501 section 9, in UTC."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f'"{moment.day:2d}-{_MONTHS[moment.month - 1]}-{moment:%Y %H:%M:%S} +0000"'.encode()


def seconds_of(date_time: bytes) -> float:
    """The inverse of ``internaldate``, for any zone."""
    day, month, rest = date_time.decode("ascii").strip().split("-", 2)
    number = _MONTHS.index(month.title()) + 1
    return datetime.strptime(f"{int(day):02d} {number:02d} {rest}", "%d %m %Y %H:%M:%S %z").timestamp()


def lines(pieces: Iterable[Piece | None]) -> Iterator[list[Piece]]:
    """The pieces of each response line together."""
    line: list[Piece] = []
    for piece in pieces:
        if piece is None:
            continue
        line.append(piece)
        if isinstance(piece, bytes):
            yield line
            line = []


def numbers(pieces: Iterable[Piece | None]) -> list[int]:
    """SEARCH: all numbers, ascending; a MODSEQ at the end (RFC 7162 section 3.1.5) is none of them."""
    found: set[int] = set()
    for piece in pieces:
        if isinstance(piece, bytes):
            found.update(map(int, piece.partition(b"(")[0].split()))
    return sorted(found)


def folders(pieces: Iterable[Piece | None]) -> list[Folder]:
    """LIST and LSUB."""
    found = []
    for line in lines(pieces):
        flags, separator, name, *_ = parse_response(line)
        unselectable = {b"\\noselect", b"\\nonexistent"} & {flag.lower() for flag in flags}
        found.append(Folder(_decoded(name), (separator or b"").decode("ascii"), not unselectable))
    return found


def statuses(pieces: Iterable[Piece | None]) -> dict[str, Status]:
    """STATUS, by mailbox.  A HIGHESTMODSEQ of 0 is none (RFC 7162 section 3.1.2.2)."""
    found = {}
    for line in lines(pieces):
        name, items = parse_response(line)
        values = {key.upper(): value for key, value in zip(items[::2], items[1::2], strict=True)}
        found[_decoded(name)] = Status(
            values[b"MESSAGES"],
            values[b"UIDNEXT"],
            values[b"UIDVALIDITY"],
            values.get(b"HIGHESTMODSEQ") or None,
        )
    return found


def last_word(line: Sequence[Piece]) -> str:
    """The rights of MYRIGHTS (RFC 4314 section 3.8), which stand after the mailbox."""
    return str(parse_response(line)[-1] or b"", "ascii")


def namespaces(pieces: Iterable[Piece | None]) -> tuple[Namespace, ...]:
    """NAMESPACE: the personal ones first, then those of other users, then the shared ones."""
    parsed = parse_response(list(pieces))
    return tuple(
        Namespace(_decoded(prefix), (separator or b"").decode("ascii"))
        for kind in parsed
        for prefix, separator, *_ in kind or ()
    )


def headers(pieces: Iterable[Piece | None]) -> dict[int, Mapping[str, str]]:
    """FETCH of header fields, by UID and name in lower case; a line about something else is passed over."""
    found = {}
    for line in lines(pieces):
        if (uid := uid_of(line)) is not None and _HEADER.search(_outside(line)):
            found[uid] = header_fields(literals(line))
    return found


def header_fields(header: bytes) -> Mapping[str, str]:
    """The topmost field of each name (lower case), unfolded, without the space around it."""
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(header):
        text = _UNFOLD.sub(b"", value).strip()[:LONGEST_FIELD]
        fields.setdefault(name.lower().decode("ascii"), text.decode("utf-8", "replace"))
    return fields


def stored(pieces: Iterable[Piece | None], uid: int) -> tuple[bytes, float, frozenset[str]] | None:
    """FETCH of one whole mail with FLAGS and INTERNALDATE; None where the mail is gone."""
    for line in lines(pieces):
        raw = next((piece[1] for piece in line if isinstance(piece, tuple)), None)
        if uid_of(line) != uid or raw is None:
            continue
        flags = _FLAGS.search(_outside(line))
        names = frozenset(flags[1].decode("utf-8", "replace").split()) if flags else frozenset[str]()
        return raw, saved_at(line) or 0.0, names
    return None


def assigned(pieces: Sequence[Piece | None]) -> list[int]:
    """APPENDUID (RFC 4315 section 3): the UIDs that the mails got, in their order."""
    match pieces:
        case [bytes(text), *_]:
            return _expanded(text.split()[1])
    return []


def copied(pieces: Sequence[Piece | None]) -> dict[int, int]:
    """COPYUID (RFC 4315 section 3): the new UID of each old one."""
    pairs: dict[int, int] = {}
    for piece in pieces:
        if isinstance(piece, bytes) and len(words := piece.split()) == 3:
            pairs.update(zip(_expanded(words[1]), _expanded(words[2]), strict=True))
    return pairs


def _expanded(uid_set: bytes) -> list[int]:
    uids: list[int] = []
    for part in uid_set.split(b","):
        first, _, last = part.partition(b":")
        ends = int(first), int(last or first)
        uids += range(min(ends), max(ends) + 1)
    return uids


def uid_of(line: Iterable[Piece]) -> int | None:
    """FETCH: whose line it is; None for one that does not say."""
    found = _UID.search(_outside(line))
    return int(found[1]) if found else None


def size_of(line: Iterable[Piece]) -> int | None:
    """FETCH: RFC822.SIZE in octets, if it is told."""
    found = _SIZE.search(_outside(line))
    return int(found[1]) if found else None


def saved_at(line: Iterable[Piece]) -> float | None:
    """FETCH: INTERNALDATE in seconds since 1970, if it is told."""
    found = _INTERNALDATE.search(_outside(line))
    return seconds_of(found[1]) if found else None


def literals(line: Iterable[Piece]) -> bytes:
    """What a response line has in literals, one after the other."""
    return b"".join(piece[1] for piece in line if isinstance(piece, tuple))


def _outside(line: Iterable[Piece]) -> bytes:
    """A response line without its literals."""
    return b" ".join(piece if isinstance(piece, bytes) else piece[0] for piece in line)


def _decoded(name: Any) -> str:
    """A mailbox name; the parser makes a number of one that looks like one."""
    text: str = _decode_utf7(name) if isinstance(name, bytes) else str(name)
    return text
