"""Checking the DKIM signatures of a mail (RFC 6376, 8301 and 8463), with keys that were looked up before.

Who could add a word to a mail must not be able to do so unseen: the whole body counts, whatever l= says, and
so do From, Subject and Reply-To, by which tickets are found and answers are sent.  A mail whose header two
readers may divide differently is not checked at all: bare CR or LF in it, or not exactly one From.  SHA-1
counts for nothing.  dkimpy reads the tags and judges them; OpenSSL checks.  Nothing here raises for what a
mail or a key's record holds, and time is linear.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mailproc.mime.canonical import relaxed_body, relaxed_field, simple_body, simple_field
from mailproc.mime.lazy import lazy
from mailproc.mime.surgery import fields, has_bare_newline, header_end
from mailproc.model.address import ascii_domain
from mailproc.model.authentication import Result

MAX_FIELD = 16_384  # octets of a signature
LEEWAY = 36_000  # seconds that clocks may differ, as dkimpy has it

Records = Mapping[str, tuple[bytes, ...] | None]  # TXT records by name; None: nobody answered

_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*")
_NEEDED = (b"v", b"a", b"b", b"bh", b"d", b"h", b"s")
_ACTED_ON = (b"subject", b"reply-to")  # beside From; where they stand, they must be signed
_FORMS = frozenset({b"simple", b"relaxed"})
_ALGORITHMS = frozenset({b"rsa-sha256", b"ed25519-sha256"})


class Unsound(ValueError):
    """A signature that cannot be checked; ``word`` is its result in RFC 8601's words."""

    def __init__(self, why: str, word: str = "permerror") -> None:
        super().__init__(why)
        self.word = word


class SignedMail:
    """The header and the body as signatures see them."""

    def __init__(self, raw: bytes) -> None:
        self._end = header_end(raw)  # the empty line, which belongs to neither
        self._raw = raw
        self.is_sound = not has_bare_newline(raw[: self._end])

    @lazy
    def fields(self) -> tuple[tuple[bytes, bytes], ...]:
        """Name as written and value with its line end, in order."""
        raw = self._raw
        split = (raw[one.start : one.end].partition(b":") for one in fields(raw))
        return tuple((name, value) for name, _, value in split)

    @lazy
    def by_name(self) -> dict[bytes, list[int]]:
        """Where the fields of each name stand, from the top."""
        found: dict[bytes, list[int]] = {}
        for number, (name, _) in enumerate(self.fields):
            found.setdefault(name.rstrip().lower(), []).append(number)
        return found

    def of_name(self, name: bytes) -> list[tuple[bytes, bytes]]:
        return [self.fields[number] for number in self.by_name.get(name, ())]

    def select(self, names: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """What h= names: of a repeated name the lowest first (RFC 6376 section 5.4.2)."""
        left: dict[bytes, list[int]] = {}
        for name in names:
            numbers = left.setdefault(name, list(self.by_name.get(name, ())))
            if numbers:
                yield self.fields[numbers.pop()]

    @property
    def _body(self) -> bytes:
        return self._raw[self._end :].removeprefix(b"\r\n")

    def body_hash(self, form: bytes) -> bytes:
        return self._relaxed_hash if form == b"relaxed" else self._simple_hash

    @lazy
    def _relaxed_hash(self) -> bytes:
        return hashlib.sha256(relaxed_body(self._body)).digest()

    @lazy
    def _simple_hash(self) -> bytes:
        return hashlib.sha256(simple_body(self._body)).digest()


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature field; tags have no white space in their values."""

    name: bytes
    value: bytes = field(repr=False)
    tags: Mapping[bytes, bytes]
    domain: str  # d=, in ASCII and lower case; "" where it is none
    selector: str
    problem: Unsound | None = None

    @property
    def key_name(self) -> str:
        """Where its key is (RFC 6376 section 3.6.2.1); "" where it cannot be checked anyway."""
        return "" if self.problem else f"{self.selector}._domainkey.{self.domain}"

    def result(self, word: str, why: str = "") -> Result:
        properties = {"header.d": self.domain, "header.s": self.selector}
        return Result("dkim", word, {name: value for name, value in properties.items() if value}, why=why)


def read_signatures(mail: SignedMail) -> list[Signature]:
    """Each DKIM-Signature, from the top."""
    found = [_read_dkim(name, value) for name, value in mail.of_name(b"dkim-signature")]
    if mail.is_sound and len(mail.of_name(b"from")) == 1:
        return found
    problem = Unsound("bare CR or LF in the header" if not mail.is_sound else "not exactly one From")
    return [Signature(one.name, one.value, one.tags, one.domain, one.selector, problem) for one in found]


def check_signature(signature: Signature, mail: SignedMail, records: Records, now: float) -> Result:
    """What one signature is worth; ``now`` in seconds since 1970."""
    if signature.problem:
        return signature.result(signature.problem.word, str(signature.problem))
    try:
        check_time(signature, now)
        verify(signature, mail, records)
    except Unsound as error:
        return signature.result(error.word, str(error))
    return signature.result("pass")


# Parts, which ARC needs too (mime/arc.py)


def read_tags(value: bytes) -> dict[bytes, bytes]:
    """The tags of a field (RFC 6376 section 3.2); Unsound where it is no list of tags."""
    from dkim.util import InvalidTagValueList, parse_tag_value  # type: ignore[import-untyped]  # slow to load

    if len(value) > MAX_FIELD:
        raise Unsound("the signature is too long")
    try:
        return {name: b"".join(text.split()) for name, text in parse_tag_value(value).items()}
    except InvalidTagValueList:
        raise Unsound("the signature cannot be read") from None


def check_tags(tags: Mapping[bytes, bytes], needed: Sequence[bytes], *, arc: bool = False) -> None:
    """Are the tags there, and do they fit together?  Times are judged by ``check_time``."""
    from dkim import ValidationError, validate_signature_fields  # type: ignore[import-untyped]  # as above

    timeless = {name: value for name, value in tags.items() if name not in (b"t", b"x")}
    if tags.get(b"a") not in _ALGORITHMS:
        raise Unsound("signed in a way that proves nothing", "policy")
    try:
        validate_signature_fields(timeless, list(needed), arc)
    except (ValidationError, ValueError, IndexError):
        raise Unsound("the signature is not as it should be") from None


def where_key_is(tags: Mapping[bytes, bytes]) -> tuple[str, str]:
    """d= and s= as DNS knows them; "" for what is no name."""
    found = (ascii_domain(tags.get(tag, b"").decode("utf-8", "replace")) for tag in (b"d", b"s"))
    domain, selector = (name if len(name) < 250 and _HOST.fullmatch(name) else "" for name in found)
    return domain, selector


def check_time(signature: Signature, now: float) -> None:
    """t= and x= (RFC 6376 section 3.5)."""
    signed, expires = (signature.tags.get(tag, b"") for tag in (b"t", b"x"))
    for digits in (signed, expires):
        if digits and not (digits.isdigit() and len(digits) <= 12):
            raise Unsound("a time that is none")
    if signed and int(signed) > now + LEEWAY:
        raise Unsound("signed in the future", "policy")
    if expires and int(expires) < now - LEEWAY:
        raise Unsound("the signature has expired", "policy")


def verify(signature: Signature, mail: SignedMail, records: Records) -> None:
    """Is the mail what was signed?  Unsound says what is wrong."""
    tags = signature.tags
    header_form, body_form = _forms(tags.get(b"c", b""))
    if mail.body_hash(body_form) != _decoded(tags[b"bh"]):
        raise Unsound("the body is not what was signed", "fail")
    names = tags[b"h"].lower().split(b":")
    canonical = relaxed_field if header_form == b"relaxed" else simple_field
    # One From more than was signed: if there is one, it breaks the signature.
    signed = [canonical(name, value) for name, value in mail.select([*names, b"from"])]
    signed.append(without_line_end(canonical(signature.name, without_signature(signature.value))))
    check_key(signature, b"".join(signed), records)
    for name in _ACTED_ON:
        if len(mail.of_name(name)) > names.count(name):
            raise Unsound(f"{name.decode().title()} is not signed", "policy")


def check_key(signature: Signature, signed: bytes, records: Records) -> None:
    """Did the key of its domain sign these octets?"""
    from mailproc.model.verifying_key import BadRecord, VerifyingKey  # OpenSSL, when it is used

    texts = records.get(signature.key_name)
    if texts is None:
        raise Unsound("nobody answered for its key", "temperror")
    try:
        key = VerifyingKey.parse(texts)
    except BadRecord as error:
        raise Unsound(str(error)) from None
    if key.algorithm.encode() != signature.tags[b"a"]:
        raise Unsound("the key is of another kind")
    if key.exact and not _is_exact(signature):
        raise Unsound("the key is not for subdomains")
    if not key.verifies(signed, _decoded(signature.tags[b"b"])):
        word = "neutral" if key.testing else "fail"
        raise Unsound("a field of the header is not what was signed", word)


def without_signature(value: bytes) -> bytes:
    """The field's value with that of b= deleted (RFC 6376 section 3.7)."""
    specs = value.split(b";")
    for number, spec in enumerate(specs):
        name, equals, _ = spec.partition(b"=")
        if equals and name.strip() == b"b":
            specs[number] = name + equals
    return b";".join(specs)


def without_line_end(canonical: bytes) -> bytes:
    return canonical.removesuffix(b"\r\n")


def _read_dkim(name: bytes, value: bytes) -> Signature:
    tags: dict[bytes, bytes] = {}
    domain = selector = ""
    problem = None
    try:
        tags = read_tags(value)
        domain, selector = where_key_is(tags)
        check_tags(tags, _NEEDED)
        _check_names(tags, domain, selector)
    except Unsound as error:
        problem = error
    return Signature(name, value, tags, domain, selector, problem)


def _check_names(tags: Mapping[bytes, bytes], domain: str, selector: str) -> None:
    if not (domain and selector):
        raise Unsound("no name that DNS could hold")
    names = tags[b"h"].lower().split(b":")
    if b"from" not in names:
        raise Unsound("From is not signed")
    _forms(tags.get(b"c", b""))


def _forms(c: bytes) -> tuple[bytes, bytes]:
    """How header and body were hashed (RFC 6376 section 3.5, c=)."""
    header, _, body = c.partition(b"/")
    header, body = header or b"simple", body or b"simple"
    if not {header, body} <= _FORMS:
        raise Unsound("hashed in a way that nobody knows")
    return header, body


def _is_exact(signature: Signature) -> bool:
    identity = signature.tags.get(b"i", b"").decode("utf-8", "replace").rpartition("@")[2]
    return not identity or ascii_domain(identity) == signature.domain


def _decoded(encoded: bytes) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return b""
