"""Salutation and signature around what an agent wrote."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.frame import framed
from mailproc.mime.reader import read
from tests.unit.mime.clients import STYLES, both, plain

QUOTE = "On 21 Sep 2026, Carla <carla@customer.example> wrote:\n> Where is it?"


def test_the_signature_stands_between_the_answer_and_the_quote() -> None:
    text = read(framed(plain(f"On its way.\n\n{QUOTE}\n"), "Hello,", "Example Ltd")).text
    assert text.split("\n") == [
        *("Hello,", "", "On its way.", "", "Example Ltd", ""),
        *QUOTE.split("\n"),
    ]


@pytest.mark.parametrize("greeting", ["Dear Carla,", "Hallo!", "Estimada Carla:"])
def test_an_agent_who_greets_is_not_greeted_for(greeting: str) -> None:
    assert read(framed(plain(f"{greeting}\n\nOn its way.\n"), "Hello,", "")).text.startswith(greeting)


def test_an_agent_who_signs_is_not_signed_for() -> None:
    raw = plain("On its way.\n-- \nAlice\n")
    assert framed(raw, "", "Example Ltd") == raw


@pytest.mark.parametrize("text", [QUOTE + "\n", "\n"])
def test_a_mail_without_own_words_stays_as_it_is(text: str) -> None:
    raw = plain(text)
    assert framed(raw, "Hello,", "Example Ltd") == raw


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(
        st.sampled_from(["On its way.", "", "It is <big> & blue.", "- a list"]), min_size=1, max_size=5
    ),
    style=st.sampled_from(sorted(STYLES)),
    encoding=st.sampled_from(["8bit", "base64", "quoted-printable"]),
)
def test_text_and_html_get_the_same_around_the_same(lines: list[str], style: str, encoding: str) -> None:
    lines = ["First.", *lines, "Last."]
    raw = both("\n".join(lines), STYLES[style](lines), "us-ascii", encoding)
    after = framed(raw, "Hello Carla,", "Grüße\nExample")
    mail = read(after)
    html = mail.parts[2]
    of_html = read(b"From: a@example.org\r\n" + after[html.top : html.end]).text
    for text in (mail.text, of_html):
        shown = [line for line in text.split("\n") if line.strip()]
        assert shown == ["Hello Carla,", *filter(None, lines), "Grüße", "Example"]
