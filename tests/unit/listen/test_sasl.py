"""What AUTH carries."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.listen.sasl import challenge_line, decode_initial, decode_response, read_plain
from mailproc.model.reply import MailError


@given(st.binary())
def test_what_is_coded_comes_out_again(octets: bytes) -> None:
    coded = b64encode(octets)
    assert decode_response(coded) == octets
    assert decode_initial(coded.decode() or "=") == octets


@given(st.binary())
def test_any_line_is_read_or_refused(line: bytes) -> None:
    try:
        read_plain(decode_response(line))
    except MailError as refusal:
        assert refusal.reply.code == 501


@pytest.mark.parametrize(
    ("response", "user", "password"),
    [
        (b"\0alice\0secret", "alice", b"secret"),
        (b"alice\0alice\0secret", "alice", b"secret"),
        (b"bob\0alice\0secret", "", b"secret"),
        (b"\0\xc3\xa4\0\xe4", "\u00e4", b"\xe4"),
        (b"\0\xe4\0x", "\ufffd", b"x"),
        (b"\0\0", "", b""),
    ],
)
def test_plain_has_three_parts(response: bytes, user: str, password: bytes) -> None:
    assert read_plain(response) == (user, password)


@pytest.mark.parametrize("response", [b"", b"alice", b"alice\0secret", b"\0a\0b\0c"])
def test_plain_with_more_or_fewer_parts_is_refused(response: bytes) -> None:
    with pytest.raises(MailError):
        read_plain(response)


def test_the_space_after_334_is_there_without_a_challenge() -> None:
    assert challenge_line(b"") == "334 "
