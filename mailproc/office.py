"""Puts the submission listener together: who proves passwords, who is an agent, which certificate."""

from __future__ import annotations

import functools
import ssl
import time
from collections.abc import Mapping
from pathlib import Path

from mailproc.config import Config
from mailproc.desk.site import Site
from mailproc.failpoint import FailPoints
from mailproc.imap.login import ImapLogin, LoginServer
from mailproc.listen.credentials.authenticator import Authenticator, Prover, make_roster
from mailproc.listen.credentials.dovecot import DovecotAuth
from mailproc.listen.credentials.passwords import Passwords
from mailproc.listen.credentials.throttle import ThrottleRules
from mailproc.listen.limits import ListenLimits
from mailproc.listen.listener import Listener
from mailproc.listen.sockets import CannotListen, TcpEndpoint, parse_endpoint
from mailproc.listen.submission import Desks, Office, SubmissionSession, Unheard
from mailproc.listen.tls import BadCertificate, server_context


def make_submission_listener(
    config: Config, authenticator: Authenticator, desks: Desks, limits: ListenLimits, failpoints: FailPoints
) -> Listener:
    """A listener with a count of its own: a flood of connections must not keep mail from coming in."""
    context = _tls_context(config)
    is_implicit = config.submission.tls == "implicit"
    office = Office(desks, authenticator, starttls=None if is_implicit else context)
    return Listener(
        functools.partial(SubmissionSession, office=office),
        Unheard(),
        hostname=config.hostname,
        limits=limits,
        tls=context if is_implicit else None,
        failpoints=failpoints,
    )


def make_authenticator(config: Config, site: Site) -> Authenticator:
    """As ``submission.auth`` says."""
    ours = config.submission.auth == "passwords"
    roster = make_roster(site, {} if ours else {name: agent.login for name, agent in config.agent.items()})
    rules = ThrottleRules(failures=config.submission.failures, lock=config.submission.lock)
    return Authenticator(_prover(config, roster), roster, rules)


def _prover(config: Config, roster: Mapping[str, str]) -> Prover:
    auth, timeout = config.submission.auth, config.submission.auth_timeout
    if auth == "passwords":
        hashes = {user: config.agent[name].password_hash for user, name in roster.items()}
        return Passwords(hashes, clock=time.monotonic, timeout=timeout)
    if auth == "imap":
        assert config.imap is not None  # as checked when the configuration was loaded
        server = parse_endpoint(config.imap.address)
        assert isinstance(server, TcpEndpoint)
        authorities = ssl.create_default_context(cafile=config.imap.ca_file or None)
        return ImapLogin(LoginServer(server.host, server.port, config.imap.tls, timeout), authorities)
    return DovecotAuth(Path(auth.removeprefix("dovecot:")), timeout=timeout)


def _tls_context(config: Config) -> ssl.SSLContext | None:
    submission = config.submission
    if submission.tls == "none":
        return None
    key = Path(submission.private_key) if submission.private_key else None
    try:
        return server_context(Path(submission.certificate), key)
    except BadCertificate as error:
        raise CannotListen(str(error)) from error
