"""Sockets of every kind that ``listen`` may name."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mailproc.listen.sockets import CannotListen, bind, parse_endpoint
from tests.rig.keeper import Keeper
from tests.rig.raw_client import Served, stuffed

Serve = Callable[..., Awaitable[Served]]

HANDED_OVER = """
import os, sys
from mailproc.listen.sockets import bind, parse_endpoint
environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "3", "LISTEN_FDNAMES": "lmtp:other:lmtp"}
sockets = bind(parse_endpoint("systemd:lmtp"), environment)
print(*[sock.getsockname()[1] for sock in sockets], any(sock.get_inheritable() for sock in sockets))
"""


async def test_unix_socket_serves_everybody_who_may_enter_its_folder(serve: Serve, tmp_path: Path) -> None:
    keeper = Keeper()
    path = tmp_path / "lmtp"
    served = await serve(keeper, where=f"unix:{path}")
    async with served.connect() as client:
        await client.greet()
        await client.begin("a@example.org")
        await client.send(stuffed(b"hello\r\n"))

        assert await client.codes(1) == ["250"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    assert keeper.taken[0].raw == b"hello\r\n"


def test_socket_file_of_a_dead_server_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    for sock in bind(parse_endpoint(f"unix:{path}"), {}):
        sock.close()
    assert path.exists()

    (again,) = bind(parse_endpoint(f"unix:{path}"), {})

    with again, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_socket_file_of_a_living_server_is_left_alone(tmp_path: Path) -> None:
    endpoint = parse_endpoint(f"unix:{tmp_path / 'lmtp'}")
    (sock,) = bind(endpoint, {})
    with sock, pytest.raises(CannotListen, match="lmtp: another server answers there"):
        bind(endpoint, {})


def test_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    path.write_text("precious")

    with pytest.raises(CannotListen, match="no socket"):
        bind(parse_endpoint(f"unix:{path}"), {})
    assert path.read_text() == "precious"


def test_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match="No such file or directory"):
        bind(parse_endpoint(f"unix:{tmp_path}/none/lmtp"), {})


def test_port_that_is_taken_is_told() -> None:
    (first,) = bind(parse_endpoint("127.0.0.1:0"), {})
    port = first.getsockname()[1]
    with first, pytest.raises(CannotListen, match=rf"127\.0\.0\.1:{port}: Address already in use"):
        bind(parse_endpoint(f"127.0.0.1:{port}"), {})


def test_unknown_host_is_told() -> None:
    with pytest.raises(CannotListen, match=r"no-such-host\.invalid:24"):
        bind(parse_endpoint("no-such-host.invalid:24"), {})


def test_localhost_is_bound_on_all_its_addresses() -> None:
    sockets = bind(parse_endpoint("localhost:0"), {})

    assert {sock.getsockname()[0] for sock in sockets} <= {"127.0.0.1", "::1"}
    assert sockets
    for sock in sockets:
        sock.close()


def test_sockets_of_systemd_are_found_by_name() -> None:
    """The sockets are handed over as systemd does it: as file descriptors from 3 on."""
    sockets = [bind(parse_endpoint("127.0.0.1:0"), {})[0] for _ in range(3)]
    ports = [sock.getsockname()[1] for sock in sockets]
    # High numbers first, so that no descriptor is overwritten before it is moved.
    saved = [os.dup(sock.fileno()) for sock in sockets]
    moves = "".join(f"os.dup2({fd}, {3 + index});" for index, fd in enumerate(saved))
    child = subprocess.run(
        [sys.executable, "-c", f"import os;{moves}exec({HANDED_OVER!r})"],
        pass_fds=saved,
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    for fd in saved:
        os.close(fd)
    for sock in sockets:
        sock.close()

    assert child.stdout.split() == [str(ports[0]), str(ports[2]), "False"]


def test_descriptor_that_is_no_listening_socket_is_refused() -> None:
    with socket.socket() as unbound:
        saved = os.dup(unbound.fileno())
    code = HANDED_OVER.replace('"lmtp:other:lmtp"', '"lmtp"')
    child = subprocess.run(
        [sys.executable, "-c", f"import os;os.dup2({saved}, 3);exec({code!r})"],
        pass_fds=[saved],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    os.close(saved)

    assert "file descriptor 3 is no listening stream socket" in child.stderr
