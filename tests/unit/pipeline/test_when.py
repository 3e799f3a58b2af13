"""Conditions: names are checked when they are loaded, and what did not run is absent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.model.judgement import Automatic, Bounce, FailedRecipient, MailClass
from mailproc.pipeline.delivery import Delivery
from mailproc.pipeline.when import Scores, compile_when

STAGES: dict[str, Scores] = {
    "automatic": frozenset({"class"}),
    "spam": frozenset({"score", "verdict"}),
    "vip-list": None,
    "ticket": frozenset(),
}


def holds(text: str, delivery: Delivery) -> bool:
    return compile_when(text, STAGES).holds(delivery)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("subject == 'Printer on fire'", True),
        ("'fire' in subject|lower", True),
        ("sender == 'ann@example.com'", True),
        ("sender.endswith('@example.org')", False),
        ("envelope.mail_from == 'ann@example.com' and envelope.rcpt_to == 'support@example.org'", True),
        ("headers['list-id'] == '<l.example.com>'", True),
        ("headers['List-Id'] and not headers['x-none']", True),
        ("size > 10 and size < 1000", True),
        ("desk == 'support'", True),
        ("'vip' in tags", False),
        ("not tags", True),
        ("language == '' and topic == ''", True),
        ("authentication.spf == 'none' and not authentication.aligned", True),
        ("not bounce", True),
        ("bounce.hard", False),
    ],
)
def test_a_condition_sees_what_the_mail_is(delivery: Delivery, text: str, expected: bool) -> None:
    assert holds(text, delivery) is expected


@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize("other", ["0.5", "'spam'", "none", "true", "spam.verdict"])
def test_a_score_of_a_stage_that_did_not_run_compares_as_false(
    delivery: Delivery, operator: str, other: str
) -> None:
    assert not holds(f"spam.score {operator} {other}", delivery)
    assert not holds(f"{other} {operator} spam.score", delivery)


@pytest.mark.parametrize(
    "text",
    [
        "spam",
        "spam.score",
        "spam.score + 1 > 0",
        "-spam.score < 1",
        "spam.score is defined",
        "spam.score in [1]",
    ],
)
def test_a_stage_that_did_not_run_is_false(delivery: Delivery, text: str) -> None:
    assert not holds(text, delivery)


def test_a_condition_sees_the_scores_of_stages_that_ran(delivery: Delivery) -> None:
    delivery.begin("spam")
    delivery.score("score", 0.95)
    delivery.score("verdict", "spam")
    assert holds("spam.score > 0.9 and spam.verdict == 'spam' and 'vip' not in tags", delivery)
    delivery.add_tag("vip")
    assert not holds("spam.score > 0.9 and 'vip' not in tags", delivery)


def test_a_score_that_a_stage_did_not_publish_this_time_is_absent(delivery: Delivery) -> None:
    delivery.begin("spam")
    assert holds("spam", delivery)
    assert not holds("spam.score < 2", delivery)


def test_a_skipped_stage_is_absent(delivery: Delivery) -> None:
    delivery.begin("spam").verdict = "skipped"
    assert not holds("spam", delivery)


def test_the_class_of_a_mail_is_known_once_the_automatic_stage_ran(delivery: Delivery) -> None:
    assert not holds("automatic.kind == 'none'", delivery)
    delivery.begin("automatic")
    assert holds("automatic.kind == 'none' and automatic.class == 'none'", delivery)
    delivery.automatic = Automatic(MailClass.LIST)
    assert holds("automatic.kind == 'list'", delivery)
    delivery.results[-1].verdict = "failed"
    assert not holds("automatic.kind == 'list'", delivery)


def test_a_bounce_is_seen_by_its_first_recipient(delivery: Delivery) -> None:
    delivery.bounce = Bounce((FailedRecipient("bob@example.net", "5.1.1", hard=True),))
    assert holds("bounce and bounce.hard and bounce.status == '5.1.1'", delivery)


def test_a_stage_with_a_hyphen_is_written_with_an_underscore(delivery: Delivery) -> None:
    delivery.begin("vip-list")
    delivery.score("level", "gold")
    assert holds("vip_list.level == 'gold'", delivery)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("spm.score > 0.9", 'unknown name "spm" (did you mean "spam"?)'),
        ("spam.scor > 0.9", 'unknown name "spam.scor" (did you mean "score"?)'),
        ("spam['scor'] > 0.9", 'unknown name "spam.scor" (did you mean "score"?)'),
        ("spam.clues", 'unknown name "spam.clues" (there is score, verdict)'),
        ("ticket.number", 'unknown name "ticket.number" (there is no score)'),
        ("tag == 'x'", 'unknown name "tag" (did you mean "tags"?)'),
        ("envelope.mail_form", 'unknown name "envelope.mail_form" (did you mean "mail_from"?)'),
        ("subject.lowr()", 'unknown name "subject.lowr" (did you mean "lower"?)'),
        ("automatic.kin", 'unknown name "automatic.kin" (did you mean "kind"?)'),
        ("subject|lowr", 'unknown filter "lowr" (did you mean "lower"?)'),
        ("size > 'x'", "fails on an empty mail: "),
        ("2 ** 9 > size", "** is not available here"),
        ("subject.__class__", '"__class__" is not available here'),
        ("range(3)", 'unknown name "range"'),
        ("spam.score >", "unexpected"),
        ("spam score", "something stands after the expression"),
        ("spam.score > 0.9 }}{{ 1", "something stands after the expression"),
        ("", "unexpected"),
        ("size > 1 or " * 400 + "true", "longer than 4096 characters"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_reason(text: str, mistake: str) -> None:
    with pytest.raises(ValueError) as caught:
        compile_when(text, STAGES)
    assert str(caught.value).startswith(mistake)


@given(st.text("spamcore.tag()[]'\" <>=!+-*|~and1in_", max_size=40))
def test_any_text_is_a_condition_or_a_value_error(text: str) -> None:
    try:
        condition = compile_when(text, STAGES)
    except ValueError:
        return
    assert condition.source == text
