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

from mailproc.check.probed import Failure, Probed, attempted

_PORT = "5432"
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # PostgreSQL's manual, "Message Formats": SSLRequest


def probe_hosts(url: str, seconds: float) -> Iterator[Probed]:
    """What each host says; of several it is no failure that some are away.

    A URL that names none, so that libpq's own default holds, gives nothing.
    """
    found = [_probe_host(*host, seconds) for host in dict.fromkeys(_hosts_of(url))]
    one_is_there = not all(each.failure for each in found)
    for each in found:
        if each.failure and one_is_there:
            yield Probed("store", each.where, remark=f"away: {each.failure}")
        else:
            yield each


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


def _probe_host(host: str, port: str, seconds: float) -> Probed:
    where = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else f"{host}:{port}"
    return attempted("store", where, lambda: _greet(host, port, seconds), seconds)


def _greet(host: str, port: str, seconds: float) -> str:
    with closing(_connected(host, port, seconds)) as connection:
        connection.sendall(_SSL_REQUEST)
        if connection.recv(1) not in (b"S", b"N"):
            raise Failure("is no PostgreSQL server")
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
