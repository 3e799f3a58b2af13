"""Subjects of one conversation get one key, and others do not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.model.subject import MAX_KEY, normalise

REPLIES = [
    *("Re: x", "RE : x", "re:x", "Réf: x", "Rép : x", "AW: x", "Aw:x", "Antw: x", "Antwort: x", "Betr: x"),
    *("SV: x", "Svar: x", "VS: x", "RES: x", "RIF: x", "R: x", "Odp: x", "ODG: x", "Vá: x", "YNT: x"),
    *("ATB: x", "Ats: x", "Răsp: x", "BLS: x", "Trả lời: x", "ΑΠ: x", "ΣΧΕΤ: x", "Απάντηση: x"),
    *("Отв: x", "Ответ: x", "Відп: x", "Отг.: x", "Одг: x"),
    *("回复：x", "回覆: x", "答复：x", "答覆: x", "返信: x", "회신: x", "답장: x", "תגובה: x", "השב: x"),
    *("رد: x", "پاسخ: x", "ตอบ: x", "ตอบกลับ: x", "उत्तर: x"),
    *("Re[2]: x", "RE(3): x", "Re^2: x", "Re*2: x", "AW2: x", "Re: Re: RE: x", "Re: AW: SV: x"),
    *("Ｒｅ：x", "\u200fRe: x", "Re:\u00a0x", "[list] Re: x", "Re: [list] x", "Re: [list] [sub] x"),
    *("***SPAM*** Re: x", "{Spam?} Re: x", "[EXTERNAL] Re: x", "External: Re: x", "Re: Fwd: x"),
    *("Automatic reply: x", "Automatische Antwort: x", "Réponse automatique : x", "Autosvar: x"),
    *("Undeliverable: x", "Unzustellbar: x", "Re: [T#2026112100017-k7q2mx] x", "[T#17] Re: x"),
]
FORWARDS = [
    *("Fwd: x", "FW: x", "Fw:x", "WG: x", "TR : x", "I: x", "RV: x", "ENC: x", "PD: x", "VB: x", "VL: x"),
    *("Doorst: x", "Továbbítás: x", "İLT: x", "ilt: x", "FS: x", "TRS: x", "Chuyển tiếp: x", "ΠΡΘ: x"),
    *("Пересл: x", "转发：x", "轉寄: x", "転送: x", "전달: x", "הועבר: x", "إعادة توجيه: x", "ส่งต่อ: x"),
    *("Fwd: Re: x", "[Fwd: x]", "[Fwd: Re: x]", "x (fwd)", "WG: AW: [list] x"),
]
OTHERS = ["x", "[list] x", "[T#17] x", "  X ", "External: x", "[EXT] x", "*** x", "\tx"]


@pytest.mark.parametrize("subject", REPLIES)
def test_a_reply_prefix_is_seen_and_stripped(subject: str) -> None:
    about = normalise(subject)
    assert (about.key, about.is_reply, about.is_forward) == ("x", True, False)


@pytest.mark.parametrize("subject", FORWARDS)
def test_a_forward_prefix_is_seen_and_stripped(subject: str) -> None:
    about = normalise(subject)
    assert (about.key, about.is_reply, about.is_forward) == ("x", False, True)


@pytest.mark.parametrize("subject", OTHERS[:-3] + OTHERS[-1:])
def test_a_subject_without_prefix_is_neither(subject: str) -> None:
    about = normalise(subject)
    assert (about.key, about.is_reply, about.is_forward) == ("x", False, False)


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("Reset: password", "reset: password"),
        ("Question: prices", "question: prices"),
        ("http://example.org/x", "http://example.org/x"),
        ("10:30 meeting", "10:30 meeting"),
        ("Order 4711: late", "order 4711: late"),
        ("Re : und  mehr\n\tText", "und mehr text"),
        ("Straße", "strasse"),
    ],
)
def test_ordinary_words_before_a_colon_stay(subject: str, key: str) -> None:
    assert normalise(subject).key == key


def test_a_tag_that_names_one_thing_tells_subjects_apart() -> None:
    one, two = normalise("Re: [Bug 217238] New: crash"), normalise("Re: [Bug 217239] New: crash")
    assert one.key != two.key
    assert one.key == normalise("[Bug 217238] New: crash").key


@pytest.mark.parametrize("subject", ["", "   ", "Re:", "Re: Fwd:", "[list]", "[T#17-k7q2mx]", "AW: [list] "])
def test_a_subject_that_says_nothing_has_no_key(subject: str) -> None:
    assert normalise(subject).key == ""


@settings(deadline=None)
@given(st.text(max_size=400))
def test_a_reply_has_the_key_of_what_it_answers(subject: str) -> None:
    about = normalise(subject)
    reply = normalise(f"Re: {subject}")
    assert reply.is_reply
    assert reply.key == about.key


@settings(deadline=None)
@given(st.text())
def test_keys_are_bounded_and_normalising_never_raises(subject: str) -> None:
    about = normalise(subject * 20)
    assert len(about.key) <= MAX_KEY
    assert not (about.is_reply and about.is_forward)


def test_endless_prefixes_are_read_only_so_far() -> None:
    about = normalise("Re: " * 100_000 + "x")
    assert about.is_reply
    assert len(about.key) <= MAX_KEY
