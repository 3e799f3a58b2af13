"""The customer's words stand in an answer only inside ``{% if vouched %}``."""

from __future__ import annotations

import pytest

from mailproc.pipeline.template_lint import unguarded


@pytest.mark.parametrize(
    "source",
    [
        "{{ number }}",
        "{% if vouched %}{{ subject }}{% endif %}",
        "{% if vouched and subject %}{{ subject }}{% endif %}",
        "{% if number and vouched %}{{ subject }}{% else %}x{% endif %}",
        "{{ subject if vouched else 'x' }}",
        "{{ subject if vouched and subject else 'x' }}",
        "{{ vouched and subject }}",
        "{% if vouched %}{% for each in [subject] %}{{ each }}{% endfor %}{% endif %}",
        "{% if vouched %}{% if number %}x{% else %}{{ subject }}{% endif %}{% endif %}",
    ],
)
def test_a_guarded_use_is_fine(source: str) -> None:
    assert unguarded(source, {"subject"}, "vouched") == []


@pytest.mark.parametrize(
    "source",
    [
        "{{ subject }}",
        "{{ subject | upper }}",
        "{{ 'Re: ' ~ subject }}",
        "{% if subject %}x{% endif %}",
        "{% if subject and vouched %}x{% endif %}",
        "{% if not vouched %}{{ subject }}{% endif %}",
        "{% if vouched or number %}{{ subject }}{% endif %}",
        "{% if vouched %}x{% else %}{{ subject }}{% endif %}",
        "{% if vouched %}x{% elif subject %}y{% endif %}",
        "{{ 'x' if vouched else subject }}",
        "{{ vouched or subject }}",
        "{% for each in [subject] %}{{ each }}{% endfor %}",
    ],
)
def test_an_unguarded_use_is_found(source: str) -> None:
    (mistake,) = unguarded(f"first line\n{source}", {"subject"}, "vouched")
    assert mistake.startswith("line 2: 'subject' is the customer's text")
