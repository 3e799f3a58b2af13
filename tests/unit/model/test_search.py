"""What is typed to find tickets is always read as something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.search import MAX_TERMS, MAX_TEXT, Field, Query, Term, parse_query


def terms(text: str) -> tuple[Term, ...]:
    query = parse_query(text)
    assert query.remarks == ()
    return query.terms


def test_an_empty_query_asks_nothing() -> None:
    assert parse_query("  ") == Query()
    assert not parse_query("").finds_nothing


def test_several_words_are_several_terms() -> None:
    assert terms("Rechnung mahnung") == (Term(("rechnung",)), Term(("mahnung",)))


def test_quotes_keep_words_together() -> None:
    assert terms('"Offene  Rechnung," storno') == (Term(("offene rechnung",)), Term(("storno",)))


@pytest.mark.parametrize(
    "typed", ["„offene Rechnung“", "“offene Rechnung”", "«offene Rechnung»", '"offene Rechnung']
)
def test_typographic_and_open_quotes_are_quotes(typed: str) -> None:
    assert terms(typed) == (Term(("offene rechnung",)),)


def test_a_minus_excludes_and_a_hyphen_does_not() -> None:
    assert terms("-storno e-mail") == (Term(("storno",), is_excluded=True), Term(("e mail",)))
    assert terms('-"offene rechnung" -tag:vip') == (
        Term(("offene rechnung",), is_excluded=True),
        Term(("vip",), Field.TAG, is_excluded=True),
    )


@pytest.mark.parametrize("field", [field for field in Field if field])
def test_a_prefix_says_where_to_look(field: Field) -> None:
    assert terms(f"{field}:anna") == (Term(("anna",), field),)
    assert terms(f'{field.upper()}:"anna berg"') == (Term(("anna berg",), field),)


def test_an_address_is_a_phrase() -> None:
    assert terms("from:anna@mail.example.com") == (Term(("anna mail example com",), Field.FROM),)


@pytest.mark.parametrize(
    "typed", ["http://shop.example/a?b=1", "foo:bar", "a OR", "C:\\x", "wo*rd", "{x}:(y)", "a^2", "x+y"]
)
def test_what_is_no_syntax_is_searched_as_it_stands(typed: str) -> None:
    assert all(
        term.field is Field.ANYWHERE and not term.is_prefix and not term.is_excluded for term in terms(typed)
    )


def test_an_asterisk_leaves_the_end_of_a_word_open() -> None:
    assert terms('rechn* "offene rech"*') == (
        Term(("rechn",), is_prefix=True),
        Term(("offene rech",), is_prefix=True),
    )


def test_one_letter_is_too_little_for_a_beginning() -> None:
    query = parse_query("r*")
    assert query.terms == (Term(("r",)),)
    assert query.remarks == ("'r*': too short for a beginning, searched as a word",)


@pytest.mark.parametrize("typed", ["2026112100017", "T#2026112100017", "[T#2026112100017-k7q2mx]"])
def test_a_number_or_tag_is_a_ticket(typed: str) -> None:
    (term,) = terms(typed)
    assert term.number == "2026112100017"


def test_a_pasted_subject_is_searched_without_its_reply_prefix() -> None:
    found = terms("AW: Re: [T#17-k7q2mx] Drucker")
    assert [term.number for term in found] == ["17", ""]
    assert found[1].spellings == ("drucker",)


@pytest.mark.parametrize("typed", ["?", "* ?", '""', "-", '-""', "from:", 'tag:""', "from:*"])
def test_what_cannot_be_searched_is_said_and_finds_nothing(typed: str) -> None:
    query = parse_query(typed)
    assert query.terms == ()
    assert query.remarks
    assert query.finds_nothing


def test_a_field_without_a_word_is_explained() -> None:
    assert parse_query("from: anna").remarks == ("'from:': the word must follow at once, as in from:anna",)


def test_only_so_much_is_read() -> None:
    assert len(parse_query("a " * 100).terms) == MAX_TERMS
    assert parse_query("a " * 100).remarks == (f"only the first {MAX_TERMS} words are searched",)
    assert parse_query("a" * 2000).terms == (Term(("a" * MAX_TEXT,)),)


@given(
    st.text(st.characters())
    | st.text('"-*: aü\ud800')
    | st.lists(st.sampled_from(["from:", '"', "-", "*", "x", " "])).map("".join)
)
def test_nothing_that_is_typed_fails(text: str) -> None:
    query = parse_query(text)
    assert all(
        spelling.strip() and '"' not in spelling for term in query.terms for spelling in term.spellings
    )
