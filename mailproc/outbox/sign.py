"""Signing what leaves with DKIM (RFC 6376; ed25519 as RFC 8463, key sizes as RFC 8301).

A mail is signed where its one From field names one mailbox and the domain of that has a key; any other mail
leaves as it is.  Each key of the domain signs, relaxed/relaxed, the whole body (no l=), for seven days (x=).
Fields that a reader shows or acts on are oversigned: to add a second From, or a Reply-To that was not there,
breaks the signature.  What is signed was made 7-bit first.

Called just before a mail is handed to the relay, so the seven days begin then; two tries of one mail differ
in their signatures and in nothing else.  It works in a thread: a large mail takes a tenth of a second.
``sign`` never raises for what a mail holds: one whose header is too broken to be signed leaves unsigned, and
a warning says so.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import dkim  # type: ignore[import-untyped]
from dkim.canonicalization import CanonicalizationPolicy  # type: ignore[import-untyped]

from mailproc.mime.canonical import relaxed_body
from mailproc.mime.reader import Mail, read
from mailproc.mime.sevenbit import seven_bit
from mailproc.mime.surgery import header_end
from mailproc.model.address import ascii_domain
from mailproc.model.signing_key import SigningKey

log = logging.getLogger("mailproc.outbox")

VALID_FOR = 7 * 86_400  # seconds

OVERSIGNED = (
    b"from",
    b"to",
    b"cc",
    b"subject",
    b"reply-to",
    b"date",
    b"message-id",
    b"in-reply-to",
    b"references",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
)
# Signed where they stand; who passes a mail on may add them (RFC 6376 section 5.4.1).
SIGNED = (
    b"sender",
    b"auto-submitted",
    b"content-disposition",
    b"content-id",
    b"content-description",
    b"content-language",
    b"list-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)

_RELAXED = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")


@dataclass(frozen=True, slots=True)
class DomainKey:
    """One key of a domain, and the selector that its DNS record has."""

    selector: str
    key: SigningKey


class Signer:
    """``keys`` are by domain, in lower case and ASCII; the clock tells seconds since 1970."""

    def __init__(self, keys: Mapping[str, Sequence[DomainKey]], *, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._clock = clock

    async def sign(self, content: bytes) -> bytes:
        """The mail as it may leave: 7-bit and with its signatures on top, or as it was."""
        return await asyncio.to_thread(self.signed, content)

    def signed(self, content: bytes) -> bytes:
        """The same at once; ``content`` has CRLF line ends."""
        domain = signing_domain(read(content))
        keys = self._keys.get(domain, ())
        if not keys:
            return content
        content = seven_bit(content)
        try:
            return self._signatures(content, domain, keys) + content
        except (dkim.DKIMException, IndexError) as error:
            log.warning(
                "domain=%s mail cannot be signed, it leaves unsigned: %s", domain, type(error).__name__
            )
            return content

    def _signatures(self, content: bytes, domain: str, keys: Sequence[DomainKey]) -> bytes:
        body = header_end(content)
        header, body_hash = content[:body], _body_hash(content[body + len(b"\r\n") :])
        now = int(self._clock())
        return b"".join(_signature(header, body_hash, domain, key, now) for key in keys)


def signing_domain(mail: Mail) -> str:
    """The domain that answers for a mail; "" where From does not name exactly one mailbox."""
    if len(mail.headers("from")) != 1 or len(mail.authors) != 1:
        return ""
    return ascii_domain(mail.authors[0].address.domain)


def _body_hash(body: bytes) -> bytes:
    return base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())


def _signature(header: bytes, body_hash: bytes, domain: str, key: DomainKey, now: int) -> bytes:
    """One DKIM-Signature field with its line end."""
    signer = dkim.DKIM(header, signature_algorithm=b"ed25519-sha256")
    signer.hasher = hashlib.sha256
    names = signed_fields([name.lower() for name, _ in signer.headers])
    tags = [
        (b"v", b"1"),
        (b"a", key.key.algorithm.signature.encode()),
        (b"c", _RELAXED.to_c_value()),
        (b"d", domain.encode()),
        (b"s", key.selector.encode()),
        (b"t", b"%d" % now),
        (b"x", b"%d" % (now + VALID_FOR)),
        (b"h", b" : ".join(names)),
        (b"bh", body_hash),
        (b"b", b"0" * 60),  # so long that it stands on a line of its own, as the real one will
    ]
    value: bytes = signer.gen_header(tags, names, _RELAXED, b"DKIM-Signature", _Primitive(key.key))
    return b"DKIM-Signature: " + value


def signed_fields(present: Sequence[bytes]) -> tuple[bytes, ...]:
    """The h= tag for a header with these names: every field once, and an oversigned name once more."""
    names: list[bytes] = []
    for name in OVERSIGNED:
        names += [name] * (present.count(name) + 1)
    for name in SIGNED:
        names += [name] * present.count(name)
    return tuple(names)


class _Signed(NamedTuple):
    signature: bytes


@dataclass(frozen=True, slots=True)
class _Primitive:
    """Our key in the place where dkimpy expects one of PyNaCl's: it hands over a digest.

    So OpenSSL signs for RSA too; what dkimpy has for that is plain Python and takes thirty times as long.
    """

    key: SigningKey

    def sign(self, digest: bytes) -> _Signed:
        return _Signed(self.key.sign(digest))
