"""What may stand in ``listen``, and what systemd hands over."""

from __future__ import annotations

import os

import pytest

from mailproc.listen.sockets import CannotListen, SystemdEndpoint, bind, parse_endpoint


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("127.0.0.1:8024", "127.0.0.1:8024"),
        ("localhost:0", "localhost:0"),
        ("[::1]:24", "[::1]:24"),
        (":24", ":24"),
        ("*:24", ":24"),
        ("unix:/run/mailproc/lmtp", "unix:/run/mailproc/lmtp"),
        ("systemd:lmtp", "systemd:lmtp"),
    ],
)
def test_endpoint_is_read(text: str, read: str) -> None:
    assert str(parse_endpoint(text)) == read


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not HOST:PORT"),
        ("8024", "not HOST:PORT"),
        ("localhost", "not HOST:PORT"),
        ("127.0.0.1:smtp", "'smtp' is no port number"),
        ("127.0.0.1:65536", "'65536' is no port number"),
        ("127.0.0.1:", "'' is no port number"),
        ("::1:24", "in brackets"),
        ("unix:", "no path"),
        ("unix:/" + "x" * 107, "longer"),
        ("systemd:", "no name"),
    ],
)
def test_bad_endpoint_is_explained(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_endpoint(text)


def test_sockets_for_another_process_are_not_taken() -> None:
    environment = {"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "lmtp"}
    with pytest.raises(CannotListen, match="LISTEN_PID"):
        bind(SystemdEndpoint("lmtp"), environment)


def test_missing_name_is_told_with_the_names_there_are() -> None:
    environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "lmtp:smtp"}
    with pytest.raises(CannotListen, match=r"submission.*lmtp, smtp"):
        bind(SystemdEndpoint("submission"), environment)


def test_nothing_is_handed_over_without_systemd() -> None:
    with pytest.raises(CannotListen, match="handed over no sockets"):
        bind(SystemdEndpoint("lmtp"), {})
