"""Templates give text or a ValueError, soon, whatever their author or a customer wrote."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.pipeline.template import MAX_OUTPUT, Value, compile_template

VALUES: dict[str, Value] = {
    "name": "Ann",
    "text": "y" * 1000,
    "tags": ["vip", "spam"],
    "many": ["t"] * 500,
    "order": {"number": 4711, "items": ["a", "b"]},
    "nothing": None,
}


def render(source: str) -> str:
    return compile_template(source).render(VALUES)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Dear {{ name }},\n", "Dear Ann,\n"),
        ("{% for tag in tags %}{{ loop.index }}.{{ tag }} {% endfor %}", "1.vip 2.spam "),
        ("{% if 'vip' in tags %}yes{% else %}no{% endif %}", "yes"),
        ("{{ order.number + 1 }} {{ order['items']|join(', ') }}", "4712 a, b"),
        ("{{ order.missing|default('none') }}", "none"),
        ("{{ name|upper ~ '!' }} {{ name.lower() }} {{ 'a' + name }}", "ANN! ann aAnn"),
        ("{{ nothing }}", ""),
        ("<b>{{ '<&>' }}</b>", "<b><&></b>"),
        ("{% if name %}\na\n{% endif %}\nb\n", "a\nb\n"),
        ("{{ text|truncate(5) }}", "yyyy…"),
        ("{{ 7 // 2 }} {{ 7 % 4 }} {{ 2 * 3.5 }} {{ 3.14159|round(2) }}", "3 3 7.0 3.14"),
    ],
)
def test_what_a_mail_needs_is_there(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10000000000 }}",
        "{{ [1] * 10000000000 }}",
        "{{ 9**9**9**9 }}",
        "{{ '%99999999999d' % 1 }}",
        "{{ '{:>9999999999}'.format(1) }}",
        "{{ name['for' ~ 'mat'](1) }}",
        "{{ name.__class__.__mro__ }}",
        "{{ name['__cl' ~ 'ass__'] }}",
        "{{ name|attr('__class__') }}",
        "{{ name.zfill(9999999999) }}",
        "{{ text.replace('y', text) }}",
        "{{ text.join(many) }}",
        "{{ many|join(text) }}",
        "{{ text|join(text) }}",
        "{{ 1.5|round(9999999999) ~ 9**9 }}",
        "{{ lipsum(n=1000000) }}",
        "{{ range(1000000000) }}",
        "{{ cycler }}",
        "{{ self }}",
        "{{ _budget }}",
        "{{ loop }}",
        "{% for letter in text %}x{% endfor %}",
        "{% for n in 5 %}x{% endfor %}",
        "{% set x = name ~ name %}{{ x }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% include 'other' %}",
        "{% import 'other' as other %}",
        "{% extends 'other' %}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% filter upper %}a{% endfilter %}",
        "{{ order._values }}",
        "{{ order.items() }}",
        "{{ tags.append('x') }}",
        "{{ missing }}",
        "{{ order.missing }}",
        "{{ 1 / 0 }}",
        "{{ name - 1 }}",
        "{{ name",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "not " * 5000 + "1 }}",
        "{{ " + "9" * 5000 + " }}",
        "x" * 40_000,
        "{% for a in many %}{% for b in many %}{% for c in many %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in ['aaaa'] %}" + "{% for a in [a ~ a] %}" * 18 + "{{ a }}" + "{% endfor %}" * 19,
        "{{ text|upper }}" * 300,
    ],
    ids=lambda source: source[:40],
)
@pytest.mark.timeout(10)
def test_what_could_hurt_is_refused_soon(source: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        render(source)


def test_a_mistake_names_its_line() -> None:
    with pytest.raises(ValueError, match=r'^line 2: unknown filter "uper" \(did you mean "upper"\?\)$'):
        compile_template("Dear {{ name }},\n{{ name|uper }}\n")


def test_an_unknown_name_is_refused_where_the_names_are_known() -> None:
    with pytest.raises(ValueError, match=r'^unknown name "nmae" \(did you mean "name"\?\)$'):
        compile_template("{{ nmae }}", {"name", "number"})


def test_a_template_tells_the_names_it_asks_for() -> None:
    assert compile_template("{{ a }}{% for b in c %}{{ b.d }}{% endfor %}").names == {"a", "c"}


def test_output_is_capped_in_octets() -> None:
    most = "ä" * (MAX_OUTPUT // 2)
    template = compile_template("{{ a }}{{ b }}")
    assert template.render({"a": most, "b": ""}) == most
    with pytest.raises(ValueError, match=f"longer than {MAX_OUTPUT} octets"):
        template.render({"a": most, "b": "x"})


def test_only_plain_values_enter() -> None:
    with pytest.raises(TypeError, match="a template takes no PurePosixPath"):
        compile_template("{{ a }}").render({"a": PurePosixPath("/")})  # type: ignore[dict-item]


@given(st.text(max_size=60))
def test_a_customers_words_are_never_a_template(words: str) -> None:
    assert compile_template("Re: {{ subject }}").render({"subject": words}) == f"Re: {words}"


@given(st.text("{}%|()[]'\" ab.~*+-_1,=#\n", max_size=60))
def test_any_source_gives_text_or_a_value_error(source: str) -> None:
    try:
        text = compile_template(source).render({"a": "x", "b": ["y"]})
    except ValueError:
        return
    assert isinstance(text, str)
