"""Words are the same to a search, however they are spelt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.folding import MOST_SPELLINGS, fold, spellings, words


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Rechnung", "rechnung"),
        ("Müller", "muller"),
        ("Mu\u0308ller", "muller"),
        ("STRASSE Straße ẞ", "strasse strasse ss"),
        ("Crème Brûlée, Łódź, Ærø", "creme brulee, lodz, aero"),
        ("Ｆｕｌｌ ﬁne", "full fine"),
        ("Rech\u00adnung", "rechnung"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("日本", " 日  本 "),
    ],
)
def test_what_is_alike_folds_to_one_form(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize("typed", ["Müller", "Mueller", "MÜLLER", "mu\u0308ller"])
@pytest.mark.parametrize("written", ["Müller", "Mueller", "mu\u0308ller"])
def test_an_umlaut_is_found_however_it_is_typed_and_written(typed: str, written: str) -> None:
    assert fold(written) in spellings(typed)


@pytest.mark.parametrize("typed", ["muller", "MULLER"])
def test_an_umlaut_is_found_by_its_plain_letter(typed: str) -> None:
    assert fold("Müller") in spellings(typed)


def test_a_plain_letter_does_not_find_a_digraph() -> None:
    assert fold("neue") not in spellings("neu")


def test_a_word_of_many_umlauts_has_few_spellings() -> None:
    assert len(spellings("äöü" * 300)) == MOST_SPELLINGS


@pytest.mark.parametrize("text", ["", "?!", "…", '"', "__", "\u0308", "\u200b"])
def test_what_has_no_word_has_no_spelling(text: str) -> None:
    assert spellings(text) == ()


@given(st.text())
def test_a_text_is_found_by_itself(text: str) -> None:
    folded = " ".join(words(fold(text)))
    assert (folded in spellings(text)) or not folded or len(spellings(text)) == MOST_SPELLINGS


@given(st.text(st.characters()))
def test_folding_never_fails_and_folds_once(text: str) -> None:
    once = fold(text)
    assert words(fold(once)) == words(once)
    assert once.encode().decode() == once
