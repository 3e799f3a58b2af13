"""Enter an IMAP server: a password, a token (XOAUTH2), or a master user who acts as somebody else.

Passwords go by SASL PLAIN (RFC 4616), or by LOGIN where the server has no PLAIN.  Without TLS they go only
where the configuration says so, and that is loopback.
"""

from __future__ import annotations

import imaplib
import subprocess
from pathlib import Path

from mailproc.imap.failure import LoginRefused
from mailproc.imap.responses import code_of, quoted
from mailproc.imap.settings import ImapSettings
from mailproc.imap.wire import Refusal, Wire

# RFC 5530 section 3: response codes of a refusal that says nothing of the password.
_TROUBLE = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN", "PRIVACYREQUIRED"})
_LONGEST_TOKEN = 16_384  # octets


def enter(wire: Wire, settings: ImapSettings) -> None:
    """Log in; LoginRefused when that is hopeless, else what ``Wire`` raises."""
    if settings.login == "xoauth2":
        _xoauth2(wire, settings)
    elif settings.login == "master":
        _authenticate(wire, "PLAIN", _plain(settings.user, settings.master_user, settings.password))
    elif "AUTH=PLAIN" in wire.capabilities:
        _authenticate(wire, "PLAIN", _plain("", settings.user, settings.password))
    elif "LOGINDISABLED" in wire.capabilities:
        raise LoginRefused("the server takes no passwords here (LOGINDISABLED)")
    else:
        _login(wire, settings)


def token_of(settings: ImapSettings) -> str:
    """The token as it is now.  LoginRefused where there is none."""
    try:
        token = _output_of(settings) if settings.token_command else Path(settings.token_file).read_bytes()
    except (OSError, subprocess.SubprocessError) as error:
        raise LoginRefused(f"no token: {error}") from None
    text = token[:_LONGEST_TOKEN].decode("utf-8", "replace").strip()
    if not text or not text.isascii() or not text.isprintable():
        raise LoginRefused("no token: what was read is none")
    return text


def _output_of(settings: ImapSettings) -> bytes:
    """The command is the administrator's own; it gets no input and no shell."""
    done = subprocess.run(
        settings.token_command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=settings.timeout,
        check=True,
    )
    return done.stdout


def _plain(acts_as: str, user: str, password: str) -> bytes:
    return "\0".join((acts_as, user, password)).encode("utf-8", "surrogateescape")


def _xoauth2(wire: Wire, settings: ImapSettings) -> None:
    token = token_of(settings)
    _authenticate(wire, "XOAUTH2", f"user={settings.user}\1auth=Bearer {token}\1\1".encode())


def _authenticate(wire: Wire, mechanism: str, response: bytes) -> None:
    """One response; to any further challenge the empty one, which XOAUTH2 wants after a failure."""
    responses = iter((response,))
    try:
        wire.authenticate(mechanism, lambda _: next(responses, b""))
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        _refuse(str(error))


def _login(wire: Wire, settings: ImapSettings) -> None:
    try:
        wire.command("LOGIN", quoted(settings.user), quoted(settings.password))
    except Refusal as refusal:
        _refuse(refusal.text)
    except ValueError:
        raise LoginRefused("LOGIN takes no such password, and the server has no AUTH=PLAIN") from None
    wire.state = "AUTH"


def _refuse(text: str) -> None:
    code, reason = code_of(text)
    if code in _TROUBLE:
        raise imaplib.IMAP4.abort(f"no login now: [{code}] {reason}")
    raise LoginRefused(f"the login was refused: {reason}")
