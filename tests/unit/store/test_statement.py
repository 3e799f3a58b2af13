"""The repositories' SQL, as PostgreSQL gets it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.store.connection import listed_parameters
from mailproc.store.postgres.statement import translate
from mailproc.store.postgres.values import encode


@pytest.mark.parametrize(
    ("sql", "text", "names"),
    [
        ("SELECT 1", "SELECT 1", ()),
        ("a = :one AND b = :two", "a = $1 AND b = $2", ("one", "two")),
        ("a = :one OR b = :two OR c = :one", "a = $1 OR b = $2 OR c = $1", ("one", "two")),
        ("x::text = :x", "x::text = $1", ("x",)),
        ("a = ':no' AND b = :yes", "a = ':no' AND b = $1", ("yes",)),
        ("a = 'it''s :no' AND b = :yes", "a = 'it''s :no' AND b = $1", ("yes",)),
        ('":no" = :yes', '":no" = $1', ("yes",)),
        ("SELECT 1 -- :no\n= :yes", "SELECT 1 -- :no\n= $1", ("yes",)),
        ("IN (:w1, :w10, :w1)", "IN ($1, $2, $1)", ("w1", "w10")),
    ],
)
def test_names_become_numbers_and_nothing_else_does(sql: str, text: str, names: tuple[str, ...]) -> None:
    statement = translate(sql)
    assert (statement.text.decode(), statement.names) == (text, names)


@given(st.lists(st.sampled_from([":a", ":b", "'", "''", "::int", "--", "\n", '"', "x", " ", "$$", ":"])))
def test_with_its_names_put_back_a_text_is_the_same(pieces: list[str]) -> None:
    statement = translate("".join(pieces))
    back = re.sub(r"\$(\d+)", lambda match: f":{statement.names[int(match[1]) - 1]}", statement.text.decode())
    assert back == "".join(pieces)


def test_what_others_should_look_at_is_known_by_its_statement() -> None:
    assert translate("\n    INSERT INTO outbox (key) VALUES (:key)").stirs
    assert translate("UPDATE folder_work SET due = :due").stirs
    assert not translate("INSERT INTO outbox_recipient (outbox) VALUES (:outbox)").stirs
    assert not translate("SELECT id FROM outbox").stirs


def test_a_list_of_nothing_equals_nothing() -> None:
    assert listed_parameters("id", []) == ("NULL", {})


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_is_kept_but_for_what_postgresql_cannot_hold(text: str) -> None:
    octets, _ = encode(text)
    assert octets is not None
    assert octets.decode() == text.replace("\0", "\ufffd")


def test_what_no_column_holds_is_refused() -> None:
    with pytest.raises(TypeError):
        encode([1])
