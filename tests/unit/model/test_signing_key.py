"""Signing keys: their files are read back, their records are what verifiers expect, wrong ones are told."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from mailproc.model.signing_key import Algorithm, BadKey, SigningKey, strings_of

# RFC 8463 appendix A.2: the private key, and the record that it calls for.
SEED = b"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
PUBLIC = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, lock)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_is_read_back_from_its_file(algorithm: Algorithm) -> None:
    key = SigningKey.generate(algorithm)
    again = SigningKey.parse(key.render())
    assert (again.algorithm, again.public) == (algorithm, key.public)
    assert key.render() not in repr(key).encode()


def test_the_key_of_the_rfc_has_the_record_of_the_rfc() -> None:
    key = SigningKey.parse(SEED + b"\n")
    assert key.record == f"v=DKIM1; k=ed25519; h=sha256; p={PUBLIC}"


def test_an_rsa_key_as_older_tools_write_it_is_read() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert SigningKey.parse(pem(key)).bits == 1024


def test_a_record_is_cut_into_strings_that_dns_can_carry() -> None:
    record = SigningKey.generate(Algorithm.RSA).record
    strings = strings_of(record)
    assert [len(string) for string in strings][:-1] == [255]
    assert "".join(strings) == record


def test_a_signature_is_of_the_digest() -> None:
    key = SigningKey.parse(SEED)
    digest = hashlib.sha256(b"mail").digest()
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(SEED))
    assert key.sign(digest) == private.sign(digest)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (b"", "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nxx\n-----END PRIVATE KEY-----\n", "no private key"),
        (SEED[:20], "no private key"),
        (b"\xff" * 44, "no private key"),
        (pem(rsa.generate_private_key(public_exponent=65537, key_size=1024), b"secret"), "password"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "neither"),
    ],
    ids=["empty", "no PEM", "short", "no base64", "password", "EC"],
)
def test_what_is_no_key_for_mail_is_refused(text: bytes, wrong: str) -> None:
    with pytest.raises(BadKey, match=wrong) as caught:
        SigningKey.parse(text)
    assert text.decode("latin-1") not in str(caught.value) or not text


@pytest.mark.slow
def test_a_key_too_large_for_dns_is_refused() -> None:
    large = rsa.generate_private_key(public_exponent=65537, key_size=4104)
    with pytest.raises(BadKey, match="4104 bits"):
        SigningKey.parse(pem(large))
