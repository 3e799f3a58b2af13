"""Connect to every part that a configuration names; nothing is changed, and each try ends in time."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from mailproc.check.folders import probe_folders
from mailproc.check.probed import Failure, Probed, attempted
from mailproc.check.probed_drafts import probe_drafts
from mailproc.check.probed_postgres import probe_hosts
from mailproc.check.sockets import endpoints
from mailproc.config import Config, RelaySection, SubmissionSection
from mailproc.listen.credentials.dovecot import DovecotAuth, DovecotTrouble
from mailproc.listen.sockets import (
    CannotListen,
    Endpoint,
    SystemdEndpoint,
    TcpEndpoint,
    UnixEndpoint,
    bind,
    parse_endpoint,
)
from mailproc.listen.tls import BadCertificate, expires

TIMEOUT = 5.0  # seconds for each connection, and for each answer

_SQLITE_MAGIC = b"SQLite format 3\0"


def probe(config: Config, environment: Mapping[str, str]) -> Iterator[Probed]:
    """Each part in turn; a generator, so that a slow one does not hide those before it."""
    yield from _probe_store(config.store.url)
    if (relay := config.relay) is not None:
        yield _try("relay", relay.address, lambda: _greeting(relay, b"220"))
    if (imap := config.imap) is not None:
        yield from probe_folders(imap, config.desk, TIMEOUT)
        yield from probe_drafts(imap, config.agent, TIMEOUT)
    if config.submission.listen:
        yield from _probe_submission(config.submission)
    for section, _, endpoint in endpoints(config):
        if not isinstance(endpoint, ValueError):
            has_tls = section == "submission" and config.submission.tls == "implicit"
            yield _try_to_listen(section, endpoint, config.hostname, environment, has_tls=has_tls)


def _try(part: str, where: str, attempt: Callable[[], str]) -> Probed:
    return attempted(part, where, attempt, TIMEOUT)


def _probe_store(url: str) -> Iterator[Probed]:
    scheme, _, path = url.partition(":")
    if scheme == "sqlite":
        yield _try("store", url, lambda: _probe_file(Path(path)))
    else:
        yield from probe_hosts(url, TIMEOUT)


def _probe_file(path: Path) -> str:
    """A SQLite store that can be read and written, or a place where one can be made."""
    if path.exists():
        with path.open("r+b") as file:
            start = file.read(len(_SQLITE_MAGIC))
        if start not in (_SQLITE_MAGIC, b""):
            raise Failure("is no SQLite database")
        return ""
    folder = next(parent for parent in path.parents if parent.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure(f"{folder} is not writable")
    return "will be made"


def _greeting(peer: RelaySection, expected: bytes) -> str:
    """Connect, with TLS where it is implicit, and read the first line."""
    endpoint = parse_endpoint(peer.address)
    assert isinstance(endpoint, TcpEndpoint)  # check_sockets saw to it
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(_connected(endpoint.host, endpoint.port))
        if peer.tls == "implicit":
            context = ssl.create_default_context()
            connection = stack.enter_context(context.wrap_socket(connection, server_hostname=endpoint.host))
        line = _first_line(connection)
    if not line.startswith(expected):
        raise Failure(f"greets with {line[:80].decode('ascii', 'replace')!r}, not with {expected.decode()}")
    return ""


def _connected(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port), TIMEOUT)


def _first_line(connection: socket.socket) -> bytes:
    """Up to 512 octets, as RFC 5321 section 4.5.3.1.5 allows for a reply."""
    line = b""
    while b"\n" not in line and len(line) < 512:
        received = connection.recv(512)
        if not received:
            break
        line += received
    return line.partition(b"\n")[0].rstrip(b"\r")


def _probe_submission(submission: SubmissionSection) -> Iterator[Probed]:
    """What the listener of the agents needs beside its socket."""
    if submission.tls != "none":
        yield _try("certificate", submission.certificate, lambda: _probe_certificate(submission.certificate))
    scheme, _, path = submission.auth.partition(":")
    if scheme == "dovecot":
        yield _try("dovecot", path, lambda: _probe_dovecot(path))


def _probe_certificate(path: str) -> str:
    try:
        until = expires(Path(path))
    except BadCertificate as error:
        raise Failure(str(error).removeprefix(f"{path} ")) from None
    if until < datetime.now(UTC):
        raise Failure(f"expired on {until:%Y-%m-%d}")
    return f"until {until:%Y-%m-%d}"


def _probe_dovecot(path: str) -> str:
    try:
        asyncio.run(DovecotAuth(Path(path), timeout=TIMEOUT).look())
    except DovecotTrouble as trouble:
        raise Failure(str(trouble)) from None
    return ""


def _try_to_listen(
    section: str, endpoint: Endpoint, hostname: str, environment: Mapping[str, str], *, has_tls: bool
) -> Probed:
    if isinstance(endpoint, SystemdEndpoint):
        return Probed(section, str(endpoint), remark="systemd listens there")
    if _is_served(section, endpoint, hostname, has_tls=has_tls):
        return Probed(section, str(endpoint), remark="mailproc runs there already")
    return _try(section, str(endpoint), lambda: _bind_and_close(endpoint, environment))


def _bind_and_close(endpoint: Endpoint, environment: Mapping[str, str]) -> str:
    try:
        for listening in bind(endpoint, environment):
            listening.close()
    except CannotListen as error:
        raise Failure(str(error).removeprefix(f"{endpoint}: ").lower()) from None
    if isinstance(endpoint, UnixEndpoint):
        endpoint.path.unlink(missing_ok=True)
    return ""


def _is_served(section: str, endpoint: TcpEndpoint | UnixEndpoint, hostname: str, *, has_tls: bool) -> bool:
    """Whether our own daemon greets there: before a reload its sockets are in use, as they should be."""
    try:
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(_dial(endpoint))
            if has_tls:
                connection = stack.enter_context(_unverified().wrap_socket(connection))
            if section == "metrics":
                connection.sendall(b"HEAD /healthz HTTP/1.1\r\n\r\n")
                return _first_line(connection).startswith(b"HTTP/1.1 ")
            return _first_line(connection).startswith(f"220 {hostname} ".encode())
    except OSError:
        return False


def _unverified() -> ssl.SSLContext:
    """Who is asked for its greeting only need not prove who it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _dial(endpoint: TcpEndpoint | UnixEndpoint) -> socket.socket:
    if isinstance(endpoint, TcpEndpoint):
        if not endpoint.port:
            raise OSError(errno.ECONNREFUSED, "any port")
        return _connected(endpoint.host or "localhost", endpoint.port)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(TIMEOUT)
    try:
        connection.connect(str(endpoint.path))
    except OSError:
        connection.close()
        raise
    return connection
