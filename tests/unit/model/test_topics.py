"""The topic model: what it learns, what it says, and what it leaves open."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.model.topic_training import Lesson, train
from mailproc.model.topics import NONE, Calibration, TopicModel, from_bytes, to_bytes

BILLING = ("invoice", "refund", "payment", "amount", "charged", "card", "bank", "iban", "total", "tax")
DELIVERY = (
    "parcel",
    "courier",
    "tracking",
    "shipped",
    "arrived",
    "address",
    "late",
    "box",
    "depot",
    "driver",
)
LOGIN = ("password", "account", "reset", "sign", "locked", "code", "mail", "link", "expired", "user")
WORDS = {"billing": BILLING, "delivery": DELIVERY, "login": LOGIN}
SMALL_TALK = ("hello", "dear", "please", "thanks", "regards", "can", "you", "we", "my", "today", "question")
FOOTBALL = ("football", "goal", "match", "team", "coach", "player")


def mail(rng: random.Random, topic: str) -> frozenset[str]:
    return frozenset([*rng.sample(WORDS.get(topic, SMALL_TALK), 4), *rng.sample(SMALL_TALK, 5)])


def lessons(count: int = 30, seed: int = 1) -> list[Lesson]:
    rng = random.Random(seed)
    return [Lesson(topic, mail(rng, topic)) for _ in range(count) for topic in WORDS]


@pytest.fixture(scope="module")
def model() -> TopicModel:
    return train(lessons())


def test_mails_that_were_not_learnt_have_the_topic_of_their_words(model: TopicModel) -> None:
    for lesson in lessons(20, seed=2):
        assert model.judge(lesson.tokens)[0].topic == lesson.topic


def test_every_topic_is_named_the_likeliest_first(model: TopicModel) -> None:
    ranked = model.judge(frozenset({"invoice", "refund", "please"}))
    assert ranked[0].topic == "billing"
    assert sorted(each.topic for each in ranked) == sorted(WORDS)
    chances = [each.probability for each in ranked]
    assert chances == sorted(chances, reverse=True)


def test_the_words_that_speak_for_a_topic_are_named(model: TopicModel) -> None:
    reasons = model.judge(frozenset({"invoice", "refund", "please", "unheard-of"}))[0].reasons
    assert set(reasons[:2]) == {"invoice", "refund"}
    assert "unheard-of" not in reasons


def test_a_mail_of_unknown_words_is_about_none_of_the_topics(model: TopicModel) -> None:
    assert model.judge(frozenset({"quite", "other", "things"}))[0].probability < 0.5
    assert model.judge(frozenset())[0].probability < 0.5


def test_what_people_called_none_is_none() -> None:
    rng = random.Random(3)
    strangers = [Lesson(NONE, frozenset(rng.sample(FOOTBALL, 4)))] * 20
    model = train(lessons() + strangers)
    assert NONE not in model.topics
    assert model.judge(frozenset({"football", "goal", "coach", "invoice"}))[0].probability < 0.5


def test_one_topic_alone_is_told_from_none() -> None:
    rng = random.Random(4)
    taught = [Lesson("billing", mail(rng, "billing")) for _ in range(10)]
    taught += [Lesson(NONE, mail(rng, "delivery")) for _ in range(10)]
    model = train(taught)
    assert model.topics == ("billing",)
    billing, delivery = (
        model.judge(frozenset(WORDS[name]))[0].probability for name in ("billing", "delivery")
    )
    assert billing > 0.5 > delivery


@pytest.mark.parametrize(
    "taught", [[], [Lesson("a", frozenset("xy"))] * 5, [Lesson(NONE, frozenset("x"))] * 5]
)
def test_with_one_label_nothing_is_said(taught: list[Lesson]) -> None:
    assert train(taught).judge(frozenset("x")) == ()


def test_a_topic_of_one_mail_is_no_topic_yet() -> None:
    assert train([*lessons(), Lesson("rare", frozenset({"rare"}))]).topics == ("billing", "delivery", "login")


def test_the_same_lessons_make_the_same_model() -> None:
    assert to_bytes(train(lessons(8))) == to_bytes(train(lessons(8)))


def test_probabilities_are_worth_what_they_say() -> None:
    """Of mails whose topic is half a guess, about so many are right as the probabilities say."""
    rng = random.Random(5)

    def blurred(topic: str) -> Lesson:
        other = rng.choice([name for name in WORDS if name != topic])
        own = rng.randint(1, 4)
        return Lesson(topic, frozenset([*rng.sample(WORDS[topic], own), *rng.sample(WORDS[other], 4 - own)]))

    model = train([blurred(topic) for _ in range(100) for topic in WORDS])
    tests = [blurred(topic) for _ in range(100) for topic in WORDS]
    judged = [(model.judge(each.tokens)[0], each.topic) for each in tests]
    expected = sum(best.probability for best, _ in judged)
    right = sum(best.topic == topic for best, topic in judged)
    assert abs(expected - right) / len(judged) < 0.12


def test_a_stored_model_judges_as_before(model: TopicModel) -> None:
    again = from_bytes(to_bytes(model))
    for lesson in lessons(3, seed=6):
        assert again.judge(lesson.tokens) == model.judge(lesson.tokens)


def test_a_stored_model_without_topics_knows_none() -> None:
    assert from_bytes(to_bytes(TopicModel.empty())).judge(frozenset("ab")) == ()


def test_the_likeliest_is_the_first_of_all(model: TopicModel) -> None:
    for tokens in (*(lesson.tokens for lesson in lessons(3, seed=7)), frozenset[str]()):
        ranked, found = model.judge(tokens), model.likeliest(tokens)
        assert (found.topic, found.probability) == ranked[0][:2]
        assert found.none == pytest.approx(1.0 - sum(each.probability for each in ranked))
        assert model.reasons(tokens, found.topic) == ranked[0].reasons


@settings(max_examples=50, deadline=None)
@given(strengths=st.lists(st.lists(st.integers(1, 255), min_size=3, max_size=3), max_size=700))
def test_tokens_add_up_for_each_topic_however_many_there_are(strengths: list[list[int]]) -> None:
    """Said once more, slowly; 255 is the most that a token can say."""
    rows = [*strengths, *[[255, 1, 128]] * 600]
    lanes = [sum(byte << 16 * place for place, byte in enumerate([*row, 1])) for row in rows]
    entries = {f"t{number}": each + (1 << 40 + 16 * 4) for number, each in enumerate(lanes)}  # all weigh 1.0
    model = TopicModel(("a", "b", "c"), entries, (0.0, 0.5, -0.5), 2.0, Calibration(1.0, 0.0))
    worth = 2.0 / len(rows) ** 0.5
    expected = [
        (sum(column) - 128 * len(rows)) * worth + bias
        for column, bias in zip(zip(*rows, strict=True), model.biases, strict=True)
    ]
    chances = dict(zip("abc", model.calibration.probabilities(expected), strict=True))
    ranked = model.judge(frozenset(entries))
    assert {each.topic: each.probability for each in ranked} == pytest.approx(chances)
    assert from_bytes(to_bytes(model)).judge(frozenset(entries)) == ranked


@pytest.mark.parametrize("content", [b"", b"\x00", b"\x98" + b"\x09" * 8, b"no model at all"])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="topic model"):
        from_bytes(content)


@given(st.frozensets(st.sampled_from([word for words in WORDS.values() for word in words])))
@settings(max_examples=50)
def test_probabilities_are_such_and_leave_room_for_none(tokens: frozenset[str]) -> None:
    chances = [each.probability for each in train(lessons(4)).judge(tokens)]
    assert all(0 <= chance <= 1 for chance in chances)
    assert sum(chances) <= 1.000001
