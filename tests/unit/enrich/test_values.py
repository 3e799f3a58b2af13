"""Whatever a source says becomes harmless."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.enrich.ldap import escape
from mailproc.enrich.values import LONGEST, as_tag, clean


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (None, ""),
        (True, True),
        (17, 17),
        (1.5, 1.5),
        (Decimal("17.00"), 17),
        (Decimal("1.25"), 1.25),
        (Decimal("NaN"), ""),
        (float("inf"), ""),
        (2**60, str(2**60)),
        (10**200, ""),
        (date(2026, 11, 22), "2026-11-22"),
        (datetime(2026, 11, 22, 1, 2, tzinfo=UTC), "2026-11-22T01:02:00+00:00"),
        (b"caf\xc3\xa9 \xff", "café \N{REPLACEMENT CHARACTER}"),
        (["gold", "early\nbird"], "gold, early bird"),
        ({"a": 1}, ""),
        ("  two\r\n\tlines\0 ", "two lines"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b\N{LINE SEPARATOR}c\N{ZERO WIDTH SPACE}d", "a b c d"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        ("x" * LONGEST, "x" * LONGEST),
    ],
)
def test_a_value_is_one_line_or_a_number(said: object, value: object) -> None:
    cleaned = clean(said)
    assert cleaned == value
    assert type(cleaned) is type(value)


@given(st.one_of(st.text(), st.binary(), st.lists(st.text()), st.floats(), st.integers(), st.decimals()))
def test_no_value_breaks_a_line_or_grows_long(said: object) -> None:
    text = str(clean(said))
    assert len(text) <= LONGEST
    assert len(text.splitlines()) <= 1
    text.encode()


@pytest.mark.parametrize("size", [LONGEST + 1, 5 * LONGEST, 10_000_000])
def test_what_was_cut_says_so(size: int) -> None:
    assert clean("x" * size) == "x" * (LONGEST - 1) + "…"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("gold", "gold"),
        (" Top customer! ", "Top-customer"),
        ("<b>, x", "b-x"),
        ("\n", ""),
        ("x" * 99, "x" * 40),
    ],
)
def test_a_tag_is_a_word(text: str, tag: str) -> None:
    assert as_tag(text) == tag


@given(st.text())
def test_a_value_in_a_filter_holds_nothing_that_means_something_there(value: str) -> None:
    escaped = escape(value)
    assert not set(escaped) & set("()*\0")
    assert escaped.isascii()
