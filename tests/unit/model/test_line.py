"""Text of strangers is made fit for one line."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.line import one_line, without_controls


def test_controls_and_separators_go_and_nothing_else() -> None:
    letters = "".join(map(chr, range(sys.maxunicode + 1)))
    gone = {letter for letter in letters if unicodedata.category(letter)[0] in "CZ"} - {" "}
    kept = without_controls(letters, "")
    assert set(kept) == set(letters) - gone
    assert without_controls(letters, "?").replace("?", "") == kept.replace("?", "")


@given(st.text(), st.integers(1, 20))
def test_one_line_is_one_bounded_printable_line(text: str, most: int) -> None:
    line = one_line(text, most)
    assert len(line) <= most
    assert line.isprintable()
    assert line == " ".join(line.split())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nBcc: b", "a Bcc: b"),
        ("\u202egpj.exe", "gpj.exe"),
        ("a  \u2028  b", "a b"),
        ("x" * 199 + " y", "x" * 199),
        (" " * 1000 + "x", ""),
        ("", ""),
    ],
)
def test_what_stays_of_it(text: str, line: str) -> None:
    assert one_line(text) == line
