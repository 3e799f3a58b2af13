"""A line of the log: pairs that no value can forge, and JSON fields of the same names."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.log import JsonFormatter, LogfmtFormatter


def record(template: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("mailproc.test", logging.INFO, "", 0, template, arguments, None)


def fields(template: str, *arguments: object) -> dict[str, object]:
    found: dict[str, object] = json.loads(JsonFormatter().format(record(template, *arguments)))
    return found


def line(template: str, *arguments: object) -> str:
    return (
        LogfmtFormatter()
        .format(record(template, *arguments))
        .removeprefix("level=info logger=mailproc.test ")
    )


def test_pairs_become_fields_with_their_types() -> None:
    found = fields("delivery=%d desk=%s took=%.1f ended", 4, "support", 0.25)
    assert (found["delivery"], found["desk"], found["took"]) == (4, "support", 0.25)
    assert found["text"] == "delivery=4 desk=support took=0.2 ended"


def test_a_value_in_quotes_of_the_template_becomes_a_field_without_them() -> None:
    assert fields('relay=%s reply="%s" waits', "mx", "450 later")["reply"] == "450 later"
    assert line('reply="%s"', "450 later") == 'reply="450 later"'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("full", "store=full"),
        ("disk full", 'store="disk full"'),
        ('a "b"', 'store="a \\"b\\""'),
        ("", 'store=""'),
        ("x\ny", 'store="x\\u000ay"'),
    ],
)
def test_a_value_with_spaces_stands_in_quotes(value: str, shown: str) -> None:
    assert line("store=%s", value) == shown


def test_words_between_pairs_and_percent_signs_stay() -> None:
    assert line("100%% of %d desk=%s: %s", 3, "a", "x y") == "100% of 3 desk=a: x y"
    assert line("nothing to fill in, 100% sure") == "nothing to fill in, 100% sure"


def test_a_template_that_does_not_fit_is_what_logging_makes_of_it() -> None:
    with pytest.raises(TypeError):
        line("delivery=%d desk=%s", 4)


@given(st.text())
def test_no_value_forges_a_field(value: str) -> None:
    found = fields("sender=%s subject=%s", value, f"ticket=5 {value} ticket=6")
    assert set(found) == {"at", "level", "logger", "text", "sender", "subject"}


def test_a_pair_cannot_take_the_place_of_what_every_line_has() -> None:
    assert fields("level=%s at=%s", "error", "never")["level"] == "info"
