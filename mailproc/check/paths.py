"""Paths in the configuration are relative to its file; in the loaded one they are absolute."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from mailproc.config import (
    BucketSection,
    CalendarSection,
    Config,
    DkimSection,
    ImapSection,
    StoreSection,
    SubmissionSection,
)
from mailproc.model.mistake import Findings

SITE_TEMPLATES = Path("/etc/mailproc/templates")
SITE_CANNED = Path("/etc/mailproc/canned")


def resolve_paths(config: Config, folder: Path, findings: Findings) -> Config:
    """The configuration with every path made absolute; folders that are named must exist."""
    named = (("filters", config.filters), ("templates", config.templates), ("canned", config.canned))
    for key, names in named:
        for number, name in enumerate(names):
            if not (folder / name).is_dir():
                findings.refuse(f"no such folder: {folder / name}", key, number)
    data_dir = _absolute(config.data_dir, folder)
    return replace(
        config,
        data_dir=data_dir,
        secret_file=_absolute(config.secret_file, folder) if config.secret_file else "",
        filters=tuple(_absolute(name, folder) for name in config.filters),
        templates=tuple(_absolute(name, folder) for name in config.templates),
        canned=tuple(_absolute(name, folder) for name in config.canned),
        store=_store(config.store, data_dir, folder),
        bucket=_bucket(config.bucket, folder) if config.bucket else None,
        lmtp=replace(config.lmtp, listen=_endpoints(config.lmtp.listen, folder)),
        smtp=replace(config.smtp, listen=_endpoints(config.smtp.listen, folder)),
        metrics=replace(config.metrics, listen=_endpoints(config.metrics.listen, folder)),
        submission=_submission(config.submission, folder),
        imap=_imap(config.imap, folder) if config.imap else None,
        calendar={name: _calendar(section, folder) for name, section in config.calendar.items()},
        dkim={domain: _dkim(section, folder) for domain, section in config.dkim.items()},
    )


def template_folders(config: Config) -> tuple[str, ...]:
    """Where templates are looked for: a site's own first, the shipped ones last."""
    return (*config.templates, str(SITE_TEMPLATES), _shipped("templates"))


def canned_folders(config: Config) -> tuple[str, ...]:
    """The same for standard answers."""
    return (*config.canned, str(SITE_CANNED), _shipped("canned"))


def _shipped(name: str) -> str:
    package = Path(__file__).resolve().parents[1]
    installed = package / "_config" / name
    return str(installed if installed.is_dir() else package.parent / "config" / name)


def _absolute(path: str, folder: Path) -> str:
    return str((folder / path).resolve())


def _with_path(text: str, scheme: str, folder: Path) -> str:
    """``SCHEME:PATH`` with an absolute path; anything else as it is."""
    path = text.removeprefix(f"{scheme}:")
    return f"{scheme}:{_absolute(path, folder)}" if path and path != text else text


def _endpoints(listen: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    return tuple(_with_path(entry, "unix", folder) for entry in listen)


def _store(store: StoreSection, data_dir: str, folder: Path) -> StoreSection:
    url = store.url or f"sqlite:{data_dir}/mailproc.db"
    return replace(store, url=_with_path(url, "sqlite", folder))


def _bucket(bucket: BucketSection, folder: Path) -> BucketSection:
    return replace(bucket, ca_file=_absolute(bucket.ca_file, folder) if bucket.ca_file else "")


def _submission(submission: SubmissionSection, folder: Path) -> SubmissionSection:
    return replace(
        submission,
        auth=_with_path(submission.auth, "dovecot", folder),
        listen=_endpoints(submission.listen, folder),
        certificate=_absolute(submission.certificate, folder) if submission.certificate else "",
        private_key=_absolute(submission.private_key, folder) if submission.private_key else "",
    )


def _calendar(section: CalendarSection, folder: Path) -> CalendarSection:
    return replace(section, ical=tuple(_absolute(name, folder) for name in section.ical))


def _dkim(section: DkimSection, folder: Path) -> DkimSection:
    rsa, ed25519 = (
        _absolute(name, folder) if name else "" for name in (section.key_file, section.ed25519_key_file)
    )
    return replace(section, key_file=rsa, ed25519_key_file=ed25519)


def _imap(imap: ImapSection, folder: Path) -> ImapSection:
    """A token's program without a ``/`` is looked for in $PATH."""
    program, *words = imap.token_command or ("",)
    return replace(
        imap,
        ca_file=_absolute(imap.ca_file, folder) if imap.ca_file else "",
        token_file=_absolute(imap.token_file, folder) if imap.token_file else "",
        token_command=(_absolute(program, folder), *words) if "/" in program else imap.token_command,
    )
