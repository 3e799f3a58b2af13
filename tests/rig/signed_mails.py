"""Mails signed and sealed by dkimpy, with keys of the tests, and the records that DNS would have for them."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence

import dkim  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailproc.model.signing_key import Algorithm, SigningKey

SELECTOR = "s1"
DOMAIN = "example.com"
MAIL = (
    b"From: Ann <ann@example.com>\r\nTo:  support@example.org\r\nSubject: Where is\r\n  my order?\r\n"
    b"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\n"
    b"Hello,  \r\n\r\nwhere\tis it?\r\n\r\n\r\n"
)


@functools.cache
def key() -> SigningKey:
    return SigningKey.generate(Algorithm.RSA)


def key_name(domain: str = DOMAIN, selector: str = SELECTOR) -> str:
    return f"{selector}._domainkey.{domain}"


def records(*domains: str) -> dict[str, tuple[bytes, ...] | None]:
    """The key's record, where each of these domains would have it."""
    return {key_name(domain): (key().record.encode(),) for domain in domains or (DOMAIN,)}


def signed(
    mail: bytes = MAIL, domain: str = DOMAIN, *, forms: str = "relaxed/relaxed", **options: object
) -> bytes:
    """The mail with a DKIM signature on top."""
    field: bytes = dkim.sign(
        mail,
        SELECTOR.encode(),
        domain.encode(),
        _pem(),
        canonicalize=tuple(forms.encode().split(b"/")),
        **options,
    )
    return field + mail


def sealed(mail: bytes, domain: str, results: str) -> bytes:
    """The mail with one more ARC set on top: what a forwarder of this domain saw."""
    authserv_id = f"mx.{domain}"
    top = f"Authentication-Results: {authserv_id}; {results}\r\n".encode()
    fields: Sequence[bytes] = dkim.arc_sign(
        top + mail, SELECTOR.encode(), domain.encode(), _pem(), authserv_id.encode()
    )
    assert len(fields) == 3
    return b"".join(fields) + mail


def now() -> float:
    """dkimpy signs at the time of the clock on the wall."""
    return time.time()


@functools.cache
def _pem() -> bytes:
    return key().private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
