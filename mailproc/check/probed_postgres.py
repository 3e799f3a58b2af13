"""The hosts that the URL of a PostgreSQL store names: is a PostgreSQL there that answers?

A URL of libpq may name several, as a primary and its standbys (PostgreSQL's manual, "Connection Strings"),
and folders of sockets.  Who may log in, and which of them is the primary, is asked later by libpq itself.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle
from urllib.parse import parse_qsl, unquote, urlsplit

from mailproc.check.probed import Probed

_PORT = "5432"
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # PostgreSQL's manual, "Message Formats": SSLRequest


class _NoPostgres(Exception):
    """Something else answers there."""


def probe_hosts(url: str, seconds: float) -> Iterator[Probed]:
    """What each host says; of several it is no failure that some are away.

    A URL that names none, so that libpq's own default holds, gives nothing.
    """
    hosts = _hosts_of(url)
    failures = {host: _failure_of(*host, seconds) for host in hosts}
    one_is_there = not all(failures.values())
    for (host, port), failure in failures.items():
        where = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else f"{host}:{port}"
        if failure and one_is_there:
            yield Probed("store", where, remark=f"away: {failure}")
        else:
            yield Probed("store", where, failure=failure)


def _hosts_of(url: str) -> list[tuple[str, str]]:
    """Each with its port; a parameter of the URL goes before what stands at its beginning."""
    parts = urlsplit(url)
    pairs = [_host_and_port(text) for text in parts.netloc.rpartition("@")[2].split(",")]
    given = dict(parse_qsl(parts.query))
    hosts = [unquote(host) for host, _ in pairs]
    ports = [port for _, port in pairs]
    if named := given.get("hostaddr") or given.get("host"):
        hosts = named.split(",")
    if "port" in given:
        ports = given["port"].split(",")
    return [(host, port or _PORT) for host, port in zip(hosts, cycle(ports), strict=False) if host]


def _host_and_port(text: str) -> tuple[str, str]:
    """``HOST``, ``HOST:PORT`` or ``[ADDRESS]:PORT``."""
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port:
        host, port = text, ""
    return host.strip("[]"), port


def _failure_of(host: str, port: str, seconds: float) -> str:
    """Why it cannot be used; "" where it can."""
    try:
        with closing(_connected(host, port, seconds)) as connection:
            connection.sendall(_SSL_REQUEST)
            if connection.recv(1) not in (b"S", b"N"):
                raise _NoPostgres
    except _NoPostgres:
        return "is no PostgreSQL server"
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def _connected(host: str, port: str, seconds: float) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, int(port)), seconds)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(seconds)
    try:
        connection.connect(f"{host}/.s.PGSQL.{port}")
    except OSError:
        connection.close()
        raise
    return connection
