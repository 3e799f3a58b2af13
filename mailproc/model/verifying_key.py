"""Keys that others published for the mail that they sign (RFC 6376 section 3.6.1, RFC 8463, RFC 8301).

What stands in DNS is the sender's to choose: OpenSSL reads it, only keys of a usual size are believed, and
BadRecord says why a record is no key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

FEWEST_RSA_BITS = 1024  # RFC 8301 section 3.2: nothing smaller is believed
MOST_RSA_BITS = 8192  # larger ones only cost time
_LONGEST = 4096  # octets of a record


class BadRecord(ValueError):
    """No record with a key that could be believed; the text says why, without quoting it."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A key and what its owner allows."""

    public: rsa.RSAPublicKey | Ed25519PublicKey
    testing: bool = False  # t=y: a failure means nothing
    exact: bool = False  # t=s: the identity in i= must be of the signing domain itself

    @classmethod
    def parse(cls, texts: Sequence[bytes]) -> VerifyingKey:
        """The key in the TXT records of one name; BadRecord."""
        records = [tags for tags in map(_tags, texts) if "p" in tags]
        if len(records) != 1:
            raise BadRecord("several keys at one name" if records else "no key")
        (tags,) = records
        if tags.get("v", "DKIM1") != "DKIM1":
            raise BadRecord("a key of another version")
        if not tags["p"]:
            raise BadRecord("the key was withdrawn")
        if "sha256" not in tags.get("h", "sha256").lower().split(":"):
            raise BadRecord("the key is for another hash")
        if not {"*", "email"} & set(tags.get("s", "*").lower().split(":")):
            raise BadRecord("the key is not for mail")
        flags = tags.get("t", "").lower().split(":")
        return cls(_public(tags.get("k", "rsa").lower(), tags["p"]), "y" in flags, "s" in flags)

    @property
    def algorithm(self) -> str:
        """The a= tag of its signatures."""
        return "rsa-sha256" if isinstance(self.public, rsa.RSAPublicKey) else "ed25519-sha256"

    def verifies(self, signed: bytes, signature: bytes) -> bool:
        """Is this the signature of these octets?  ed25519 signs their SHA-256 digest (RFC 8463 section 3)."""
        try:
            if isinstance(self.public, rsa.RSAPublicKey):
                self.public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
            else:
                self.public.verify(signature, hashlib.sha256(signed).digest())
        except (InvalidSignature, ValueError):
            return False
        return True


def _tags(text: bytes) -> dict[str, str]:
    """Tags and values without any white space, which no value needs; of a repeated one the last."""
    if len(text) > _LONGEST:
        return {}
    pairs = (part.partition("=") for part in text.decode("ascii", "replace").split(";"))
    return {name.strip(): "".join(value.split()) for name, equals, value in pairs if equals}


def _public(kind: str, encoded: str) -> rsa.RSAPublicKey | Ed25519PublicKey:
    try:
        octets = base64.b64decode(encoded, validate=True)
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(octets)
        if kind != "rsa":
            raise BadRecord("a key of an unknown kind")
        public = load_der_public_key(octets)
    except (binascii.Error, UnsupportedAlgorithm, TypeError):
        raise BadRecord("the key cannot be read") from None
    except ValueError as error:
        raise error if isinstance(error, BadRecord) else BadRecord("the key cannot be read") from None
    if not isinstance(public, rsa.RSAPublicKey):
        raise BadRecord("the key is not what it says")
    if not FEWEST_RSA_BITS <= public.key_size <= MOST_RSA_BITS:
        raise BadRecord(f"an RSA key of {public.key_size} bits")
    return public
