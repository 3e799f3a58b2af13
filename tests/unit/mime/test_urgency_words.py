"""Urgency and tone, by words."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproc.mime.tokens import text_tokens
from mailproc.mime.urgency_words import anger_of, telling_words, urgency_of


@pytest.mark.parametrize(
    "text",
    [
        "This is URGENT!",
        "please answer asap",
        "Bitte dringend um Rückruf.",
        "so schnell wie möglich",
        "Merci de répondre au plus vite",
        "Es urgente",
        "É urgente!",
        "È urgente",
        "het is dringend",
        "bardzo pilne",
        "срочно ответьте",
        "至急ご連絡ください",
        "请尽快回复",
    ],
)
def test_a_word_that_says_so_makes_it_urgent(text: str) -> None:
    assert urgency_of(text_tokens("", text)).value >= 0.5


@pytest.mark.parametrize("text", ["Where is my order?", "It is not urgent.", "Es ist nicht dringend.", ""])
def test_other_texts_are_not(text: str) -> None:
    assert urgency_of(text_tokens("", text)).value < 0.5


def test_several_words_say_more_than_one_and_are_named() -> None:
    one = urgency_of(text_tokens("", "urgent"))
    three = urgency_of(text_tokens("Reminder", "urgent, please answer immediately"))
    assert one.value < three.value < 1
    assert three.reasons == ("immediately", "urgent", "reminder")


@pytest.mark.parametrize(
    "text",
    [
        "This is unacceptable, I will call my lawyer.",
        "Das ist eine Unverschämtheit, mein Anwalt wird sich melden.",
        "C'est inadmissible, une honte",
        "Es una vergüenza, pondré una queja",
    ],
)
def test_anger_is_found(text: str) -> None:
    assert anger_of(text_tokens("", text)).value >= 0.5


def test_a_friendly_text_is_not_angry() -> None:
    assert anger_of(text_tokens("", "Thank you very much for your quick answer!")).value == 0


WORDS = ["urgent", "not", "as", "soon", "at", "once", "production", "down", "the", "至急", "lawyer", "…"]


@given(st.lists(st.sampled_from(WORDS), max_size=12), st.lists(st.sampled_from(WORDS), max_size=60))
def test_what_tells_is_what_the_tokens_of_the_text_would(subject: list[str], text: list[str]) -> None:
    tokens = text_tokens(" ".join(subject), " ".join(text))
    telling = telling_words(" ".join(subject), " ".join(text))
    assert telling <= tokens
    assert (urgency_of(telling), anger_of(telling)) == (urgency_of(tokens), anger_of(tokens))


def test_the_sum_is_rounded_alike_in_every_process() -> None:
    """Sets have another order in each: 0.775 became 0.77 in some and 0.78 in others."""
    code = """
from mailproc.mime.urgency_words import urgency_of
print(urgency_of({"critical", "today", "waiting"}).value)
"""
    said = set()
    for seed in ("0", "1", "2", "3"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
        said.add(done.stdout)
    assert len(said) == 1
