"""Patterns of the configuration are RE2: linear in the text, whatever they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.pipeline.patterns import Match, compile_pattern


def test_a_match_has_its_place_and_its_groups() -> None:
    found = compile_pattern(r"(?P<order>\d+)-(x)?").search("order 4711-")
    assert found == Match("4711-", 6, 11, ("4711", ""), {"order": "4711"})


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "matches"),
    [
        ("größe", "", "GRÖßE", False),
        ("größe", "i", "GRÖßE", True),
        ("^b", "", "a\nb", False),
        ("^b", "m", "a\nb", True),
        ("a.b", "", "a\nb", False),
        ("a.b", "s", "a\nb", True),
    ],
)
def test_flags_mean_what_they_mean_in_re(pattern: str, flags: str, text: str, matches: bool) -> None:
    assert (compile_pattern(pattern, flags).search(text) is not None) is matches


def test_fullmatch_covers_the_whole_text() -> None:
    pattern = compile_pattern("a+")
    assert pattern.fullmatch("aaa") is not None
    assert pattern.fullmatch("aaab") is None


def test_find_all_goes_from_left_to_right() -> None:
    assert [found.text for found in compile_pattern(r"\d+").find_all("1 22 x333")] == ["1", "22", "333"]


@pytest.mark.parametrize("pattern", ["(a", "(?<=x)a", r"(a)\1", "(a{1000}){1000}", "a\ud800", "*"])
def test_a_bad_pattern_is_refused_with_a_reason(pattern: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"^bad pattern .*: .+"):
        compile_pattern(pattern)
    assert capfd.readouterr() == ("", "")


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown pattern flag 'x'"):
        compile_pattern("a", "ix")


@pytest.mark.timeout(10)
def test_a_pattern_made_to_explode_does_not() -> None:
    """Python's re needs 2**50000 steps for this."""
    assert compile_pattern("(a+)+$").search("a" * 50_000 + "!") is None


@given(st.text(st.characters(), max_size=40), st.text(st.characters(), max_size=40))
def test_offsets_are_of_the_text_even_with_lone_surrogates(before: str, after: str) -> None:
    text = before.replace("x", "") + "x" + after
    found = compile_pattern("x").search(text)
    assert found is not None
    assert text[found.start : found.end] == "x"
