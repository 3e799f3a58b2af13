"""Rules for the listener that agents send to: its certificate, and who can log in there."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

from mailproc.config import Config, SubmissionSection
from mailproc.listen.tls import BadCertificate, expires, server_context
from mailproc.model.mistake import Findings, did_you_mean

_AUTH = ("passwords", "imap")
_OTHERS = stat.S_IROTH | stat.S_IWOTH


def check_submission(config: Config, findings: Findings) -> None:
    """All rules of this file."""
    _check_auth(config, findings)
    _check_logins(config, findings)
    if config.submission.listen:
        _check_certificate(config.submission, findings)


def _check_auth(config: Config, findings: Findings) -> None:
    auth = config.submission.auth
    if auth == "imap" and config.imap is None:
        findings.refuse('"imap" asks the server of [imap], and there is none', "submission", "auth")
    elif auth not in _AUTH and not (auth.startswith("dovecot:") and auth != "dovecot:"):
        hint = did_you_mean(auth, _AUTH)
        findings.refuse(f'"{auth}" is none of passwords, imap, dovecot:PATH{hint}', "submission", "auth")


def _check_logins(config: Config, findings: Findings) -> None:
    """A user is one agent's only."""
    users: dict[str, list[str]] = {}
    for name, agent in config.agent.items():
        for user in (agent.login,) if agent.login else (name, agent.address):
            users.setdefault(user.lower(), []).append(name)
    for name, agent in config.agent.items():
        others = [other for other in users.get(agent.login.lower(), ()) if other != name]
        is_used = agent.drafts or agent.draft_answers  # at the IMAP server
        if agent.login and config.submission.auth == "passwords" and not is_used:
            findings.warn(
                "not used: with passwords of our own, agents log in as name or address",
                "agent",
                name,
                "login",
            )
        elif agent.login and others:
            findings.refuse(f'"{agent.login}" is already how {others[0]} logs in', "agent", name, "login")


def _check_certificate(submission: SubmissionSection, findings: Findings) -> None:
    if submission.tls == "none":
        if submission.certificate:
            findings.warn('not used, as tls is "none"', "submission", "certificate")
        return
    if not submission.certificate:
        findings.refuse(f'missing: "{submission.tls}" needs one', "submission", "certificate")
        return
    certificate = Path(submission.certificate)
    try:
        server_context(certificate, Path(submission.private_key) if submission.private_key else None)
        if (until := expires(certificate)) < datetime.now(UTC):
            findings.warn(f"expired on {until:%Y-%m-%d}", "submission", "certificate")
    except BadCertificate as error:
        findings.refuse(str(error), "submission", "certificate")
        return
    _check_secrecy(submission, findings)


def _check_secrecy(submission: SubmissionSection, findings: Findings) -> None:
    key = Path(submission.private_key or submission.certificate)
    mode = stat.S_IMODE(key.stat().st_mode)
    if mode & _OTHERS:
        name = "private_key" if submission.private_key else "certificate"
        text = f"{key} holds a key and is open to everyone (mode {mode:04o}): chmod o= {key}"
        findings.refuse(text, "submission", name)
