"""A receiver that checks DKIM signatures as dkimpy does, with the records of a test in place of DNS."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import SimpleNamespace

import dkim  # type: ignore[import-untyped]
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class _VerifyKey:
    """What dkimpy asks of PyNaCl, by OpenSSL."""

    def __init__(self, key: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))

    def verify(self, digest: bytes, signature: bytes) -> None:
        self._key.verify(signature, digest)


def add_ed25519(patch: pytest.MonkeyPatch) -> None:
    """Let dkimpy check ed25519 signatures where PyNaCl is not installed."""
    nacl = SimpleNamespace(
        signing=SimpleNamespace(VerifyKey=_VerifyKey),
        encoding=SimpleNamespace(Base64Encoder=None),
        exceptions=SimpleNamespace(BadSignatureError=InvalidSignature, ValueError=ValueError),
    )
    patch.setattr(dkim, "nacl", nacl, raising=False)


def verify(mail: bytes, records: Mapping[str, str]) -> list[bool]:
    """Whether each signature holds, from the top; ``records`` are texts by ``SELECTOR._domainkey.DOMAIN``."""

    def look_up(name: bytes, timeout: float = 5) -> bytes:
        return records.get(name.decode().rstrip("."), "").encode()

    def holds(index: int) -> bool:
        try:
            return bool(dkim.DKIM(mail).verify(idx=index, dnsfunc=look_up))
        except dkim.DKIMException:
            return False

    count = sum(name.lower() == b"dkim-signature" for name, _ in dkim.DKIM(mail).headers)
    return [holds(index) for index in range(count)]
