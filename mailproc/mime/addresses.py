"""Addresses of From, To and their like, bounded and lenient (RFC 5322 section 3.4).

One pass over the text, linear in its length.  Groups, comments, quoted names, source routes, missing commas
and junk are read past; an address that SMTP could not carry is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mailproc.mime.headers import decode_words, plain_line
from mailproc.mime.limits import Defects, Limits
from mailproc.model.address import Address, Mailbox

# A quoted string, an address in brackets, a mark, a word (an encoded one is whole, whatever it holds), junk.
_REST = r'<([^<>]*)>|([(),;:])|(=\?[^?\s]{1,40}\?[bBqQ]\?[^?\s]*\?=|[^"<(),;:=]+|=)|(.)'
_TOKEN = re.compile(rf'"((?:[^"\\]|\\.)*)"|{_REST}', re.DOTALL)
# The same after a quote that never closes: looking for its end again and again would cost quadratic time.
_TOKEN_UNQUOTED = re.compile(rf"(\Z\A)|{_REST}", re.DOTALL)
# "Ann Ox <ann@example.org>" or the bare address, with nothing in it that could mean something else.
_SINGLE = re.compile(r"([A-Za-z0-9 .-]*)<([\w.+-]+@[A-Za-z0-9.-]+)>|([\w.+-]+@[A-Za-z0-9.-]+)", re.ASCII)
_COMMENT_PIECE = re.compile(r"[()]|\\.|[^()\\]+|\\", re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_AROUND_MARK = re.compile(r"\s{0,20}([@.])\s{0,20}")
_AROUND = "<>'\"[](),;: \t."


@dataclass(slots=True)
class _Pending:
    """What stands before the next comma."""

    words: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)  # the address in angle brackets
    comments: list[str] = field(default_factory=list)
    angle: str | None = None


def mailboxes(text: str, limits: Limits, defects: Defects) -> tuple[Mailbox, ...]:
    """Every mailbox in the unfolded, undecoded text of an address header, at most ``limits.addresses``."""
    if single := _SINGLE.fullmatch(text):  # as most are
        address = Address.parse_or_none(single[2] or single[3])
        if address is not None:
            return (Mailbox(" ".join((single[1] or "").split()), address),)
    found = _read(text, limits, defects)
    if not found and "=?" in text:
        # Some senders encode the whole header, address and all.
        decoded = decode_words(text, limits, defects)
        found = _read(decoded, limits, defects) if decoded != text else found
        if found:
            defects.note("address inside an encoded word")
    if not found and text.strip() and ":" not in text:
        defects.note("no usable address in an address header")
    return tuple(found)


def _read(text: str, limits: Limits, defects: Defects) -> list[Mailbox]:
    found: list[Mailbox] = []
    pending = _Pending()
    position, token = 0, _TOKEN
    while position < len(text) and len(found) < limits.addresses and (match := token.match(text, position)):
        position = match.end()
        mark = match[3]
        if match[5] == '"':
            token = _TOKEN_UNQUOTED
        elif mark == "(":
            comment, position = _comment(text, position)
            pending.comments.append(comment)
        elif mark == ":":
            pending = _Pending()  # what stood before it was a group's name
        elif mark or (match[2] is not None and pending.angle is not None):
            # A comma, or one that was forgotten: "A <a@b> B <c@d>".
            found += _finished(pending, limits, defects)
            pending = _Pending(words=[] if mark else pending.after, angle=match[2])
        else:
            _add(pending, text, match)
    if position < len(text):
        defects.note("too many addresses: the rest was not read")
    found += _finished(pending, limits, defects)
    return found[: limits.addresses]


def _add(pending: _Pending, text: str, match: re.Match[str]) -> None:
    """A quoted string is a name, or the local part where an @ follows at once."""
    quoted, angle, _, word, _ = match.groups()
    words = pending.words if pending.angle is None else pending.after
    if angle is not None:
        pending.angle = angle
    elif quoted is not None:
        is_local = text.startswith("@", match.end())
        words.append(match[0] if is_local else _QUOTED_PAIR.sub(r"\1", quoted))
    elif word:
        words.append(word)


def _comment(text: str, position: int) -> tuple[str, int]:
    """The text of a comment that opened before position, and where it ends; nested ones are part of it."""
    depth, start = 1, position
    for piece in _COMMENT_PIECE.finditer(text, position):
        depth += {"(": 1, ")": -1}.get(piece[0], 0)
        if depth == 0:
            return text[start : piece.start()], piece.end()
    return text[start:], len(text)


def _finished(pending: _Pending, limits: Limits, defects: Defects) -> list[Mailbox]:
    name = " ".join(" ".join(pending.words).split())
    if pending.angle is not None and (address := _address(pending.angle)):
        return [_mailbox(name or " ".join(pending.comments), address, limits, defects)]
    comment = " ".join(pending.comments)
    spec = "".join(pending.words).strip()
    if address := _address(spec):
        return [_mailbox(comment, address, limits, defects)]
    return _loose(name, comment, limits, defects)


def _loose(words: str, comment: str, limits: Limits, defects: Defects) -> list[Mailbox]:
    """Addresses that stand among other words without brackets or commas."""
    found = []
    for word in [word for word in words.split() if "@" in word][: limits.addresses]:
        if address := _address(word.strip(_AROUND)):
            name = words.replace(word, "").strip() if words.count("@") == 1 else ""
            found.append(_mailbox(name or comment, address, limits, defects))
    return found


def _address(spec: str) -> Address | None:
    spec = spec.strip()
    if spec.startswith("@"):  # a source route (RFC 5321 section 4.1.2) is obsolete and to be ignored
        spec = spec.partition(":")[2]
    if len(spec) > 400 or "@" not in spec:
        return None
    spec = spec.removeprefix("mailto:").strip("<> ")
    return Address.parse_or_none(spec) or _repaired(spec)


def _repaired(spec: str) -> Address | None:
    """Blanks around the marks, a dot at the end of the domain; a local part that needs quotes gets them."""
    local, _, domain = _AROUND_MARK.sub(r"\1", spec).rpartition("@")
    domain = domain.rstrip(".>'\"")
    if address := Address.parse_or_none(f"{local}@{domain}"):
        return address
    dotted = not local.startswith('"') and ("@" not in local) and ".." in f".{local}."
    return Address.parse_or_none(f'"{local}"@{domain}') if dotted else None


def _mailbox(name: str, address: Address, limits: Limits, defects: Defects) -> Mailbox:
    name = decode_words(name, limits, defects) if "=?" in name else plain_line(name)
    return Mailbox(name.strip(" '\"") if name[:1] in "'\"" else name, address)
