"""The words of a mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.mime.reader import read
from mailproc.mime.tokens import MAX_WORDS, words_of


def words(text: str, subject: str = "") -> frozenset[str]:
    head = f"Subject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    return words_of(read(f"{head}{text}\r\n".encode()))


def test_words_are_lower_case_and_three_to_twelve_letters() -> None:
    assert words("To BUY (cheap) pills, now!") == {"buy", "cheap", "pills", "now"}


def test_a_long_word_counts_by_its_kind() -> None:
    assert words("Donaudampfschifffahrt") == {"skip:d 20"}


def test_words_of_the_subject_are_told_apart() -> None:
    assert words("order", subject="Order now") == {"subject:order", "subject:now", "order"}


def test_html_is_read_as_text() -> None:
    raw = b"Content-Type: text/html\r\n\r\n<html><style>x{}</style><p>Cheap <b>pills</b></p></html>"
    assert words_of(read(raw)) == {"cheap", "pills"}


def test_one_mail_has_a_bounded_number_of_words() -> None:
    stuffed = " ".join(f"s{n}" for n in range(5 * MAX_WORDS))
    found = words("".join(f"word{n} " for n in range(5 * MAX_WORDS)), subject=stuffed)
    assert len(found) == MAX_WORDS
    assert sum(word.startswith("subject:") for word in found) <= MAX_WORDS // 2


@pytest.mark.parametrize("nasty", ["\0\0\0\0", "a\0b\0c", "\ud800abc", "---", "\x85\u2028"])
def test_no_word_breaks_a_database(nasty: str) -> None:
    raw = b"Subject: x\r\n\r\n" + nasty.encode("utf-8", "surrogatepass")
    assert all("\0" not in word and word.encode() for word in words_of(read(raw)))


@given(st.binary(max_size=500))
def test_any_bytes_have_words_that_can_be_stored(raw: bytes) -> None:
    for word in words_of(read(raw)):
        assert word.encode("utf-8")
        assert "\0" not in word
        assert 3 <= len(word) <= 40
