"""The analyse stage: topics, language, tone, dates, numbers and addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.mime.topic_tokens import topic_tokens
from mailproc.model.desk import Desk
from mailproc.model.topic_training import Lesson, train
from mailproc.model.topics import TopicModel
from mailproc.pipeline.delivery import Delivery
from mailproc.stage import LookUps

GERMAN = "Guten Tag, meine Bestellung ist leider immer noch nicht angekommen. Wann darf ich damit rechnen?"


@pytest.fixture
def analysed(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Callable[..., Delivery],
) -> Callable[..., Any]:
    async def analyse(text: str, subject: str = "Question", **options: Any) -> Delivery:
        stage = filter_module("analyse").Filter(**options)
        await stage.open(look_ups())
        made = delivery(text=text, subject=subject, headers="Content-Type: text/plain; charset=utf-8")
        await stage.process(made)
        return made

    return analyse


async def test_the_language_is_found_and_is_a_score(analysed: Callable[..., Any]) -> None:
    found = await analysed(GERMAN)
    assert found.language == "de"
    assert found.results[-1].scores["language"] == "de"


async def test_a_few_words_have_no_language(analysed: Callable[..., Any]) -> None:
    assert (await analysed("ok")).language == ""


async def test_patterns_of_the_configuration_become_notes(analysed: Callable[..., Any]) -> None:
    found = await analysed(
        "About order AB-1234 and order ab-1235, and AB-1234 again; customer 77.",
        subject="Order AB-9999",
        patterns={"order": r"\b(AB-[0-9]{4})\b", "customer": r"customer [0-9]+", "invoice": r"R[0-9]+"},
    )
    assert found.results[-1].notes == {"order": "AB-9999, AB-1234, ab-1235", "customer": "customer 77"}
    assert found.results[-1].scores["order"] == 3
    assert found.results[-1].scores["invoice"] == 0


async def test_addresses_phones_and_links_are_found(analysed: Callable[..., Any]) -> None:
    found = await analysed(
        "Write to bob@example.net. or ANN@example.com or support@example.org,\n"
        "or call +49 (30) 123-4567 or 030 1234567 before 01.02.2026 or see\n"
        "https://example.net/a and http://example.net/b."
    )
    assert found.results[-1].notes == {
        "addresses": "bob@example.net",
        "phones": "+49 (30) 123-4567, 030 1234567",
        "links": "2",
    }


async def test_each_finding_can_be_switched_off(analysed: Callable[..., Any]) -> None:
    off = {"language": False, "addresses": False, "phones": False, "links": False, "accounts": False}
    found = await analysed(
        f"{GERMAN} bob@example.net +49 30 1234567 https://example.net/", urgency=0.0, anger=0.0, **off
    )
    assert found.results[-1].notes == {}
    assert found.results[-1].scores == {}
    assert found.language == ""


async def test_quoted_text_is_not_searched(analysed: Callable[..., Any]) -> None:
    found = await analysed("My answer.\n\n> call +49 30 1234567\n> or write to bob@example.net\n")
    assert found.results[-1].notes == {}


async def test_few_findings_of_a_kind_are_kept(analysed: Callable[..., Any]) -> None:
    found = await analysed(" ".join(f"user{n}@example.net" for n in range(1000)))
    assert found.results[-1].scores["addresses"] == 5


async def test_a_bad_pattern_stops_the_start(
    filter_module: Callable[[str], ModuleType], look_ups: Callable[..., LookUps]
) -> None:
    with pytest.raises(ValueError, match="bad pattern"):
        await filter_module("analyse").Filter(patterns={"order": "(["}).open(look_ups())


@given(st.text(alphabet=st.sampled_from("0123456789+()/.- @a:htps"), max_size=300))
async def test_any_text_gives_bounded_notes(filter_module: Callable[[str], ModuleType], text: str) -> None:
    module = filter_module("analyse")
    for pattern in (module._PHONE, module._LINK):
        assert all(len(match.group()) < 500 for match in pattern.finditer(text))
    assert all(len(address) < 500 for address in module.addresses_in(text))


# Topics


@dataclass
class Learnt:
    """What was learnt of two topics."""

    taught: TopicModel

    async def model(self, desk: Desk) -> TopicModel:
        return self.taught


@pytest.fixture(scope="session")
def taught() -> Learnt:
    words = {"billing": "invoice refund amount payment", "delivery": "parcel courier arrived shipped"}
    lessons = [
        Lesson(topic, topic_tokens("", f"hello number {number} {each}"))
        for topic, each in words.items()
        for number in range(12)
    ]
    return Learnt(train(lessons))


@pytest.fixture
def topical(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    delivery: Callable[..., Delivery],
    taught: Learnt,
) -> Callable[..., Any]:
    async def analyse(text: str, headers: str = "", **options: Any) -> Delivery:
        stage = filter_module("analyse").Filter(**options)
        await stage.open(replace(look_ups(), topics=taught))
        made = delivery(text=text, headers=headers or "Content-Type: text/plain; charset=utf-8")
        await stage.process(made)
        return made

    return analyse


async def test_the_likeliest_topic_is_the_mails_with_its_words(topical: Callable[..., Any]) -> None:
    found = await topical("The courier says the parcel was shipped, but nothing has arrived.")
    assert found.topic == "delivery"
    assert "delivery" in found.tags
    assert found.results[-1].scores["topic"] == "delivery"
    assert found.results[-1].scores["probability"] > 0.5
    assert "parcel" in found.results[-1].notes["topic"]


async def test_a_mail_about_something_else_has_no_topic(topical: Callable[..., Any]) -> None:
    found = await topical("Which football team plays on the weekend?")
    assert found.topic == ""
    assert found.results[-1].scores["topic"] == ""
    assert found.results[-1].scores["none"] > 0.2
    assert "topic" not in found.results[-1].notes


async def test_a_topic_may_have_a_threshold_of_its_own(topical: Callable[..., Any]) -> None:
    text = "The courier says the parcel was shipped, but nothing has arrived."
    assert (await topical(text, thresholds={"delivery": 1.0})).topic == ""
    assert (await topical(text, thresholds={"billing": 1.0})).topic == "delivery"
    assert (await topical(text, topics=False)).topic == ""
    assert (await topical(text, tag_topic=False)).tags == ()


async def test_the_topic_may_stand_in_what_is_attached(topical: Callable[..., Any]) -> None:
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n--b\r\nContent-Type: text/html; name=a.html\r\n"
        "Content-Disposition: attachment; filename=a.html\r\n\r\n<p>invoice: refund the payment,"
        " IBAN DE89 3704 0044 0532 0130 00</p>\r\n--b--"
    )
    headers = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b"
    found = await topical(body, headers=headers)
    assert found.topic == "billing"
    assert found.results[-1].notes["ibans"] == "DE89370400440532013000"
    assert found.results[-1].scores["attachments"] == 1
    assert (await topical(body, headers=headers, attachments=False)).topic == ""


async def test_what_cannot_be_read_is_noted(topical: Callable[..., Any]) -> None:
    headers = (
        "MIME-Version: 1.0\r\nContent-Type: application/pdf\r\n"
        "Content-Disposition: attachment; filename=a.pdf"
    )
    found = await topical("no PDF at all", headers=headers)
    assert found.results[-1].notes["unread"].startswith("a.pdf: ")


# Numbers, dates and tone


async def test_a_number_with_a_wrong_check_digit_is_none(analysed: Callable[..., Any]) -> None:
    patterns, checks = {"customer": "K([0-9]{11})"}, {"customer": "luhn"}
    found = await analysed("K79927398713, not K79927398710", patterns=patterns, checks=checks)
    assert found.results[-1].notes["customer"] == "79927398713"


async def test_a_deadline_is_noted_with_its_words(analysed: Callable[..., Any]) -> None:
    found = await analysed("Please send it by 24.12.2026.")
    assert found.results[-1].notes["deadline"] == "2026-12-24 (by 24.12.2026)"
    assert found.results[-1].scores["deadline_days"] > 0


async def test_urgency_and_anger_are_tags_with_their_words(analysed: Callable[..., Any]) -> None:
    found = await analysed("This is urgent! Unacceptable, I will call my lawyer.")
    assert found.tags == ("urgent", "angry")
    assert found.results[-1].notes["urgency"] == "0.60 (urgent)"
    assert found.results[-1].notes["anger"] == "0.64 (lawyer, unacceptable)"


async def test_the_number_of_a_card_is_not_shown(analysed: Callable[..., Any]) -> None:
    found = await analysed("My card is 4111 1111 1111 1111.")
    assert found.results[-1].notes["cards"] == "…1111"


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        ({"threshold": 2.0}, "from 0 to 1"),
        ({"thresholds": {"billing": -1.0}}, "billing is a probability"),
        ({"checks": {"order": "luhn"}}, 'no pattern "order"'),
        ({"patterns": {"order": "x"}, "checks": {"order": "crc"}}, '"crc" is none of'),
    ],
)
async def test_wrong_options_stop_the_start(
    filter_module: Callable[[str], ModuleType],
    look_ups: Callable[..., LookUps],
    options: dict[str, Any],
    mistake: str,
) -> None:
    with pytest.raises(ValueError, match=mistake):
        await filter_module("analyse").Filter(**options).open(look_ups())
