"""A mail ends at CRLF.CRLF and nowhere else, however it is cut into blocks."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailproc.listen.content import Content, has_bare_newline
from mailproc.model.reply import TOO_LARGE, TOO_MANY_LARGE_MAILS
from tests.rig.raw_client import cut, stuffed

# Everything that matters to the end of a mail, in a rich mixture.
TROUBLE = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"a", b"\0", b"\r\n."]), max_size=30).map(
    b"".join
)
LINES = st.one_of(st.just(b""), TROUBLE.map(lambda octets: octets + b"\r\n"))

SMUGGLING = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\n\n.\r\r\n",
]


def read(octets: bytes, places: list[int], limit: int = 0) -> tuple[Content, bytes]:
    """Feed the octets in blocks; the content and what follows it."""
    content = Content(limit)
    blocks = iter(cut(octets, places))
    for block in blocks:
        rest = content.feed(block)
        if rest is not None:
            return content, rest + b"".join(blocks)
    raise AssertionError("the end was not found")


@given(LINES, st.lists(st.integers(0, 200)), TROUBLE)
@example(b"\r\n", [1, 2, 3, 4], b"")
@example(b"..\r\n", [1, 2, 3], b".\r\n")
@example(b"", [1, 2], b"QUIT\r\n")
@example(b".\r\r\n", [2, 3], b"")
def test_any_mail_in_any_blocks_comes_out_as_it_was(lines: bytes, places: list[int], after: bytes) -> None:
    content, rest = read(stuffed(lines) + after, places)

    assert content.octets() == lines
    assert content.size == len(lines)
    assert rest == after


@pytest.mark.parametrize("false_end", SMUGGLING)
def test_false_end_stays_inside_the_mail(false_end: bytes) -> None:
    lines = b"Subject: a\r\n\r\nb" + false_end + b"MAIL FROM:<evil@example.com>\r\nx\r\n"

    content, rest = read(stuffed(lines), [])

    assert content.octets() == lines
    assert rest == b""


@pytest.mark.parametrize("false_end", SMUGGLING)
def test_false_end_has_a_bare_newline(false_end: bytes) -> None:
    assert has_bare_newline(b"a" + false_end + b"b\r\n")


def test_whole_lines_have_no_bare_newline() -> None:
    assert not has_bare_newline(b"a\r\n\r\n..\r\nb\r\n")


def test_single_dot_of_a_careless_client_is_taken_away() -> None:
    content, _ = read(b".a\r\nb\r\n.\r\n", [])

    assert content.octets() == b"a\r\nb\r\n"  # RFC 5321 section 4.5.2


@given(st.integers(0, 40), st.lists(st.integers(0, 60)))
def test_mail_over_the_limit_is_read_to_its_end_and_not_kept(length: int, places: list[int]) -> None:
    lines = b"x" * length + b"\r\n"

    content, rest = read(stuffed(lines) + b"NOOP\r\n", places, limit=20)

    assert content.refusal == (TOO_LARGE if len(lines) > 20 else None)
    assert content.octets() == (b"" if len(lines) > 20 else lines)
    assert rest == b"NOOP\r\n"


def test_stuffed_dots_do_not_count_against_the_limit() -> None:
    content, _ = read(stuffed(b".........\r\n.\r\n"), [], limit=14)

    assert content.refusal is None


def test_refused_mail_is_read_to_its_end_and_not_kept() -> None:
    content = Content(0)
    assert content.feed(b"first\r\n") is None
    content.refuse(TOO_MANY_LARGE_MAILS)

    assert content.feed(b"second\r\n.\r\nQUIT") == b"QUIT"
    assert content.octets() == b""
    assert content.refusal == TOO_MANY_LARGE_MAILS
