"""The words of a text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.reader import read
from mailproc.mime.tokens import MOST_TOKENS, MOST_WORDS, distinct_words, text_tokens, words_in, words_of


def test_words_are_lower_case_and_two_to_24_letters() -> None:
    assert words_in("I BUY (cheap) pills, now!") == ["buy", "cheap", "pills", "now"]


def test_marks_inside_a_word_belong_to_it() -> None:
    assert words_in("don't e-mail 3.5 -- 'quoted' end.") == ["don't", "e-mail", "3.5", "quoted", "end"]


def test_a_long_word_counts_by_its_kind() -> None:
    assert words_in("Donaudampfschifffahrtsgesellschaft") == ["skip:d 30"]


@pytest.mark.parametrize("text", ["Grüße: an e-mail, don't!", "one…two — three", "100 € (ca.) a.b"])
def test_words_of_ascii_are_the_same_beside_other_letters(text: str) -> None:
    """Two ways lead to the words: a fast one for ASCII, and another."""
    plain = text.encode("ascii", "replace").decode().replace("?", " ")
    assert set(words_in(plain)) <= {*words_in(f"{plain} é"), "é"}


def test_neighbours_are_a_token_too() -> None:
    assert text_tokens("", "where is it") == {"where", "is", "it", "where is", "is it"}


def test_words_of_the_subject_count_as_they_are_and_apart() -> None:
    assert text_tokens("Order now", "") == {"order", "now", "subject:order", "subject:now"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("請求書", ["請求", "求書"]),
        ("メール", ["メー", "ール"]),
        ("สวัสดี", ["สว", "วั", "ัส", "สด", "ดี"]),
        ("주문 취소", ["주문", "취소"]),
        ("order 請求書 now", ["order", "now", "請求", "求書"]),
    ],
)
def test_scripts_without_spaces_give_neighbouring_letters(text: str, expected: list[str]) -> None:
    assert words_in(text) == expected


def test_a_text_has_a_bounded_number_of_tokens() -> None:
    stuffed = " ".join(f"w{number}" for number in range(5 * MOST_WORDS))
    assert len(words_in(stuffed)) == MOST_WORDS
    assert len(words_in("字" * 60_000 + stuffed)) == MOST_WORDS
    assert len(text_tokens(stuffed, stuffed)) <= MOST_TOKENS


def test_mails_are_compared_by_the_words_of_subject_and_text() -> None:
    raw = b"Subject: Order\r\nContent-Type: text/html\r\n\r\n<style>x{}</style><p>Cheap <b>pills</b></p>"
    assert words_of(read(raw)) == {"order", "cheap", "pills"}


@settings(deadline=None)  # a machine may be busy
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_has_tokens_of_bounded_length(subject: str, text: str) -> None:
    assert all(0 < len(token) <= 60 for token in text_tokens(subject, text))


@settings(deadline=None)  # a machine may be busy
@given(st.text(max_size=300))
def test_distinct_words_are_the_words_of_the_text(text: str) -> None:
    assert set(distinct_words(text)) == set(words_in(text))
