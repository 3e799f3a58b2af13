"""Keys that sign mail: their files, their DNS records, their one operation (RFC 6376, RFC 8463).

A key file holds one private key without a password: PEM as OpenSSL writes it, or the bare base64 of 32 octets
that dkimpy's own tools write for ed25519.  BadKey says what is wrong with one; its text never holds a key.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

RSA_BITS = 2048  # of a new key; RFC 8301 section 3.2 asks for this many
FEWEST_RSA_BITS = 1024  # RFC 8301: verifiers believe nothing smaller
MOST_RSA_BITS = 4096  # … and need not read anything larger
STRING_OCTETS = 255  # of one character-string in a TXT record (RFC 1035 section 3.3)

_SEED_OCTETS = 32


class BadKey(ValueError):
    """No private key that could sign mail."""


class Algorithm(StrEnum):
    """By the name that the k= tag of a DNS record has for it."""

    RSA = "rsa"
    ED25519 = "ed25519"

    @property
    def signature(self) -> str:
        """The a= tag of a signature."""
        return f"{self.value}-sha256"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One private key."""

    private: rsa.RSAPrivateKey | Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm})"  # a secret must not reach a log

    @classmethod
    def parse(cls, text: bytes) -> SigningKey:
        """Read a key file; BadKey when it holds none."""
        if b"-----BEGIN" not in text:
            return cls(_from_seed(text))
        try:
            private = load_pem_private_key(text, password=None)
        except TypeError:
            raise BadKey("the key has a password") from None
        except (ValueError, UnsupportedAlgorithm):
            raise BadKey("holds no private key in PEM form") from None
        if isinstance(private, Ed25519PrivateKey):
            return cls(private)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise BadKey("is neither an RSA nor an ed25519 key")
        if not FEWEST_RSA_BITS <= private.key_size <= MOST_RSA_BITS:
            limits = f"{FEWEST_RSA_BITS} to {MOST_RSA_BITS}"
            raise BadKey(f"an RSA key of {private.key_size} bits: verifiers take {limits}")
        return cls(private)

    @classmethod
    def generate(cls, algorithm: Algorithm) -> SigningKey:
        if algorithm is Algorithm.ED25519:
            return cls(Ed25519PrivateKey.generate())
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS))

    @property
    def algorithm(self) -> Algorithm:
        return Algorithm.RSA if isinstance(self.private, rsa.RSAPrivateKey) else Algorithm.ED25519

    @property
    def bits(self) -> int:
        return self.private.key_size if isinstance(self.private, rsa.RSAPrivateKey) else 256

    def sign(self, digest: bytes) -> bytes:
        """The signature of a SHA-256 digest; ed25519 takes the digest as its message (RFC 8463 section 3)."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
        return self.private.sign(digest)

    def render(self) -> bytes:
        """The text of the key file."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public(self) -> str:
        """The p= tag of the DNS record (RFC 6376 section 3.6.1, RFC 8463 section 4.2)."""
        key = self.private.public_key()
        if isinstance(self.private, rsa.RSAPrivateKey):
            octets = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            octets = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(octets).decode("ascii")

    @property
    def record(self) -> str:
        """The text of the DNS record, however long."""
        return f"v=DKIM1; k={self.algorithm.value}; h=sha256; p={self.public}"


def strings_of(record: str) -> tuple[str, ...]:
    """A TXT record's text cut into the character-strings that DNS can carry."""
    return tuple(record[at : at + STRING_OCTETS] for at in range(0, len(record), STRING_OCTETS))


def _from_seed(text: bytes) -> Ed25519PrivateKey:
    try:
        seed = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        seed = b""
    if len(seed) != _SEED_OCTETS:
        raise BadKey("holds no private key in PEM form")
    return Ed25519PrivateKey.from_private_bytes(seed)
