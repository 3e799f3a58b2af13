"""Where to listen, and the sockets for it: TCP, Unix, and those of systemd (sd_listen_fds(3))."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BACKLOG = 1024  # connections that may wait until they are accepted
_FIRST_FD = 3  # SD_LISTEN_FDS_START
_UNIX_PATH_LIMIT = 107  # octets in sockaddr_un of Linux, without the final NUL
_UNIX_MODE = 0o666  # Postfix connects as its own user; the directory decides who may


class CannotListen(Exception):
    """A socket that cannot be had; the text says which and why."""


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """``HOST:PORT`` or ``[V6]:PORT``; an empty host or ``*`` is every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixEndpoint:
    """``unix:PATH``."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class SystemdEndpoint:
    """``systemd:NAME``: the FileDescriptorName= of a socket unit."""

    name: str

    def __str__(self) -> str:
        return f"systemd:{self.name}"


Endpoint = TcpEndpoint | UnixEndpoint | SystemdEndpoint


def parse_endpoint(text: str) -> Endpoint:
    """Read an entry of ``listen``; raise ValueError with a text for who wrote it."""
    scheme, colon, rest = text.partition(":")
    if scheme == "unix" and colon:
        return _unix_endpoint(rest, text)
    if scheme == "systemd" and colon:
        if not rest:
            raise ValueError(f"{text!r}: no name after systemd:")
        return SystemdEndpoint(rest)
    return _tcp_endpoint(text)


def _unix_endpoint(path: str, text: str) -> UnixEndpoint:
    if not path:
        raise ValueError(f"{text!r}: no path after unix:")
    if len(os.fsencode(path)) > _UNIX_PATH_LIMIT:
        raise ValueError(f"{text!r}: the path is longer than the {_UNIX_PATH_LIMIT} octets of a Unix socket")
    return UnixEndpoint(Path(path))


def _tcp_endpoint(text: str) -> TcpEndpoint:
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(f"{text!r}: not HOST:PORT, [V6]:PORT, unix:PATH or systemd:NAME")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r}: write an IPv6 address in brackets, as in [::1]:24")
    if not (port.isascii() and port.isdigit() and int(port) <= 0xFFFF):
        raise ValueError(f"{text!r}: {port!r} is no port number")
    return TcpEndpoint("" if host == "*" else host, int(port))


def bind(endpoint: Endpoint, environment: Mapping[str, str]) -> list[socket.socket]:
    """The sockets of an endpoint, listening already; raise CannotListen.

    A host name with several addresses gives several sockets.  ``environment`` is where systemd says
    what it hands over.
    """
    try:
        match endpoint:
            case TcpEndpoint():
                return _bind_tcp(endpoint)
            case UnixEndpoint(path):
                return [_bind_unix(path)]
            case SystemdEndpoint(name):
                return _from_systemd(name, environment)
    except OSError as error:
        raise CannotListen(f"{endpoint}: {error.strerror or error}") from error


def _bind_tcp(endpoint: TcpEndpoint) -> list[socket.socket]:
    found = socket.getaddrinfo(
        endpoint.host or None, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    bound: list[socket.socket] = []
    missing: OSError | None = None
    with contextlib.ExitStack() as undo:
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                bound.append(undo.enter_context(_listening(family, address)))
            except OSError as error:
                # "localhost" names ::1 also where IPv6 is switched off.
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                missing = error
        if missing and not bound:
            raise missing
        undo.pop_all()
    return bound


def _listening(family: int, address: tuple[str | int | bytes, ...] | str) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind(address)
        if isinstance(address, str):
            Path(address).chmod(_UNIX_MODE)
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind_unix(path: Path) -> socket.socket:
    _remove_stale(path)
    return _listening(socket.AF_UNIX, str(path))


def _remove_stale(path: Path) -> None:
    """Remove the socket file of a server that is gone; raise OSError if something else is there."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "there is a file of this name that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise OSError(errno.EADDRINUSE, "another server answers there")


def _from_systemd(name: str, environment: Mapping[str, str]) -> list[socket.socket]:
    if environment.get("LISTEN_PID") != str(os.getpid()):
        raise CannotListen(f"systemd:{name}: systemd handed over no sockets (LISTEN_PID is not this process)")
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    wanted = [_FIRST_FD + index for index, own in enumerate(names) if own == name]
    if not wanted:
        had = ", ".join(filter(None, names)) or "none with a name"
        raise CannotListen(f"systemd:{name}: no such FileDescriptorName=, systemd handed over: {had}")
    return [_handed_over(fd, name) for fd in wanted]


def _handed_over(fd: int, name: str) -> socket.socket:
    sock = socket.socket(fileno=fd)
    if sock.type != socket.SOCK_STREAM or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.detach()
        raise CannotListen(f"systemd:{name}: file descriptor {fd} is no listening stream socket")
    sock.setblocking(False)
    sock.set_inheritable(False)
    return sock
