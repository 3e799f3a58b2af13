"""TLS for clients that connect to us (RFC 3207, RFC 8314): a certificate and its key into a context.

TLS 1.2 and newer (RFC 8996), with OpenSSL's own choice of ciphers.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path


class BadCertificate(Exception):
    """A certificate or key that cannot be used; the text says which and why."""


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """A context for a chain in PEM, the server's own certificate first; its key may be in the same file."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    _openable(certificate)
    _openable(key or certificate)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        raise BadCertificate(_what_is_wrong(error, certificate, key or certificate)) from error
    return context


def expires(certificate: Path) -> datetime:
    """Until when the server's own certificate, the first of the file, is valid; in UTC."""
    from cryptography.x509 import load_pem_x509_certificates  # asked by ``check`` alone; slow to import

    try:
        return load_pem_x509_certificates(certificate.read_bytes())[0].not_valid_after_utc
    except OSError as error:
        raise BadCertificate(f"{certificate} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadCertificate(f"{certificate} holds no certificate in PEM") from error


def _openable(path: Path) -> None:
    """OpenSSL does not say which of the two files it could not read."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise BadCertificate(f"{path} cannot be read: {error.strerror}") from error


def _no_password() -> bytes:
    """Without this, OpenSSL would ask for the password of an encrypted key on the terminal."""
    return b""


def _what_is_wrong(error: ssl.SSLError, certificate: Path, key: Path) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key in {key} does not belong to the certificate in {certificate}"
    where = str(certificate) if certificate == key else f"{certificate} and {key}"
    return f"{where}: no certificate with an unencrypted key in PEM ({error.reason or 'not readable'})"
