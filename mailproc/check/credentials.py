"""Secrets: from a ``*_file`` that only mailproc may read, or from systemd's credentials.

systemd.exec(5), LoadCredential=: ``$CREDENTIALS_DIRECTORY`` holds one file for each; ours are called like
their keys: ``relay.password``, ``imap.password``, ``imap.token``, ``store.url``, ``bucket.secret_key``,
``dkim.DOMAIN.key``, ``dkim.DOMAIN.ed25519_key``, ``submission.certificate``, ``submission.private_key``; and
``secret`` is the key of tags.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from mailproc.config import (
    BucketSection,
    Config,
    DkimSection,
    ImapSection,
    RelaySection,
    StoreSection,
    SubmissionSection,
)
from mailproc.model.mistake import Findings

MAX_OCTETS = 65_536

_OTHERS = stat.S_IROTH | stat.S_IWOTH
_HOLDERS = (("store", "url"), ("bucket", "secret_key"), ("relay", "password"), ("imap", "password"))
_Holder = StoreSection | BucketSection | RelaySection | ImapSection


def read_secrets(config: Config, folder: Path, environment: Mapping[str, str], findings: Findings) -> Config:
    """The configuration with its secrets filled in."""
    directory = environment.get("CREDENTIALS_DIRECTORY", "")
    credentials = Path(directory) if directory else None
    for section, key in _HOLDERS:
        holder: _Holder | None = getattr(config, section)
        if holder is not None and (secret := _secret_of(section, key, holder, folder, credentials, findings)):
            config = replace(config, **{section: replace(holder, **{key: secret})})
    if credentials:
        submission = _with_certificate(config.submission, credentials)
        imap = _with_token(config.imap, credentials) if config.imap else None
        keys = _with_keys(config.dkim, credentials)
        config = replace(config, dkim=keys, submission=submission, imap=imap)
    if credentials and not config.secret_file and (credentials / "secret").is_file():
        return replace(config, secret_file=str(credentials / "secret"))
    if config.secret_file:
        readable(folder / config.secret_file, findings, "secret_file")
    return config


def _with_certificate(section: SubmissionSection, credentials: Path) -> SubmissionSection:
    """Certificate and key stay in their files as well."""
    for key in ("certificate", "private_key"):
        file = credentials / f"submission.{key}"
        if not getattr(section, key) and file.is_file():
            section = replace(section, **{key: str(file)})
    return section


def _with_token(section: ImapSection, credentials: Path) -> ImapSection:
    """So does a token, which somebody may renew."""
    file = credentials / "imap.token"
    if section.token_file or section.token_command or not file.is_file():
        return section
    return replace(section, token_file=str(file))


def _with_keys(sections: Mapping[str, DkimSection], credentials: Path) -> dict[str, DkimSection]:
    """Signing keys stay in their files; the file may be a credential."""
    found = {}
    for domain, section in sections.items():
        for key in ("key", "ed25519_key"):
            file = credentials / f"dkim.{domain}.{key}"
            if not getattr(section, f"{key}_file") and file.is_file():
                section = replace(section, **{f"{key}_file": str(file)})
        found[domain] = section
    return found


def _secret_of(
    section: str, key: str, holder: _Holder, folder: Path, credentials: Path | None, findings: Findings
) -> str:
    """The secret from elsewhere; "" where the configuration has it, or nobody."""
    file: str = getattr(holder, f"{key}_file")
    if getattr(holder, key):
        if file:
            findings.refuse(f"given twice: {key} stands here too", section, f"{key}_file")
        return ""
    if file:
        return readable(folder / file, findings, section, f"{key}_file")
    credential = credentials / f"{section}.{key}" if credentials else None
    if credential and credential.is_file():
        return _read(credential, findings, section, key)
    return ""


def readable(path: Path, findings: Findings, *key: str) -> str:
    """The text of a secret file, which others must not read; "" where it is refused."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        findings.refuse(f"{path} cannot be read: {error.strerror}", *key)
        return ""
    if mode & _OTHERS:
        findings.refuse(f"{path} is open to everyone (mode {stat.S_IMODE(mode):04o}): chmod o= {path}", *key)
        return ""
    return _read(path, findings, *key)


def _read(path: Path, findings: Findings, *key: str) -> str:
    try:
        with path.open("rb") as file:
            secret = file.read(MAX_OCTETS).decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        findings.refuse(f"{path} cannot be read: {error.strerror}", *key)
        return ""
    except UnicodeDecodeError:
        findings.refuse(f"{path} is not UTF-8", *key)
        return ""
    if not secret:
        findings.refuse(f"{path} is empty", *key)
    return secret
