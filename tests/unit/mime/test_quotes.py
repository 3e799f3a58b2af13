"""Reply, quote and signature, in every language that is promised, and no line lost."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproc.mime.quote_lines import closings, device_lines
from mailproc.mime.quote_words import CLOSING, CLOSING_BEGINNINGS
from mailproc.mime.quotes import Division, divide

LIMIT = 256 * 1024


def split(text: str) -> Division:
    return divide(text, LIMIT)


ATTRIBUTIONS = {
    "cs": "Dne 20. 11. 2026 v 9:00 Jana Malá <jana@example.com> napsal(a):",
    "cs gmail": "pá 20. 11. 2026 v 9:00 odesílatel Jana Malá <jana@example.com> napsal:",
    "da": "Den 20. nov. 2026 kl. 09.00 skrev Jens Holm <jens@example.com>:",
    "da gmail": "fre. 20. nov. 2026 kl. 09.00 skrev Jens Holm <jens@example.com>:",
    "de": "Am 20.11.26 um 09:00 schrieb Anna Berg:",
    "de gmail": "Am Fr., 20. Nov. 2026 um 09:00 Uhr schrieb Anna Berg <anna@example.com>:",
    "de name first": "Anna Berg <anna@example.com> schrieb am Fr., 20. Nov. 2026, 09:00:",
    "en": "On 20/11/2026 09:00, Anna Berg wrote:",
    "en gmail": "On Fri, Nov 20, 2026 at 9:00 AM Anna Berg <anna@example.com> wrote:",
    "en apple": "On Nov 20, 2026, at 09:00, Anna Berg <anna@example.com> wrote:",
    "es": "El 20/11/26 a las 9:00, Ana Sierra escribió:",
    "es gmail": "El vie, 20 nov 2026 a las 9:00, Ana Sierra (<ana@example.com>) escribió:",
    "fi": "pe 20. marrask. 2026 klo 9.00 Aino Mäki (aino@example.com) kirjoitti:",
    "fr": "Le 20/11/2026 à 09:00, Anne Mont a écrit\u00a0:",
    "fr gmail": "Le ven. 20 nov. 2026 à 09:00, Anne Mont <anne@example.com> a écrit :",
    "it": "Il 20/11/2026 09:00, Anna Monti ha scritto:",
    "it gmail": "Il giorno ven 20 nov 2026 alle ore 09:00 Anna Monti <anna@example.com> ha scritto:",
    "ja": "2026年11月20日(金) 9:00 田中太郎 <taro@example.com>:",
    "nl": "Op 20-11-2026 om 09:00 schreef Anna van Dam:",
    "nl gmail": "Op vr 20 nov 2026 om 09:00 schreef Anna van Dam <anna@example.com>:",
    "no": "Den 20.11.2026 09:00, skrev Anna Dahl:",
    "no gmail": "fre. 20. nov. 2026 kl. 09:00 skrev Anna Dahl <anna@example.com>:",
    "pl": "W dniu 20.11.2026 o 09:00, Anna Góra pisze:",
    "pl gmail": "pt., 20 lis 2026 o 09:00 Anna Góra <anna@example.com> napisał(a):",
    "pt": "Em 20/11/2026 09:00, Ana Serra escreveu:",
    "pt gmail": "Ana Serra <ana@example.com> escreveu no dia sexta, 20/11/2026 à(s) 09:00:",
    "ru": "20 нояб. 2026 г. 9:00 пользователь Анна <anna@example.com> написал:",
    "sv": "Den 2026-11-20 kl. 09:00, skrev Anna Berg:",
    "sv gmail": "Den fre 20 nov. 2026 kl 09:00 skrev Anna Berg <anna@example.com>:",
    "zh": "Anna <anna@example.com> 于2026年11月20日周五 09:00写道：",
}


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
@pytest.mark.parametrize("mark", ["> ", ""], ids=["marked", "unmarked"])
def test_attribution_begins_the_quote(attribution: str, mark: str) -> None:
    quoted = f"{attribution}\n\n{mark}first line\n{mark}second line"
    assert split(f"The new text.\n\n{quoted}\n") == Division("The new text.", quoted, "")


@pytest.mark.parametrize("attribution", [text for text in ATTRIBUTIONS.values() if len(text) > 50])
def test_attribution_may_be_wrapped_after_any_word(attribution: str) -> None:
    words = attribution.split(" ")
    for cut in range(len(words) // 2, len(words)):
        wrapped = " ".join(words[:cut]) + "\n" + " ".join(words[cut:])
        assert split(f"New.\n\n{wrapped}\n> old").reply == "New.", wrapped


HEADER_BLOCKS = {
    "cs": "Od: J <j@example.com>\nOdesláno: pátek 20. listopadu 2026 9:00\nKomu: A\nPředmět: x",
    "da": "Fra: J <j@example.com>\nSendt: 20. november 2026 09:00\nTil: A\nEmne: x",
    "de": "Von: J <j@example.com>\nGesendet: Freitag, 20. November 2026 09:00\nAn: A\nBetreff: x",
    "en": "From: J <j@example.com>\nSent: Friday, November 20, 2026 9:00 AM\nTo: A\nSubject: x",
    "en bold": "*From:* J <j@example.com>\n*Sent:* Friday\n*To:* A\n*Subject:* x",
    "en mac": "From: J <j@example.com>\nDate: Friday, 20 November 2026 at 09:00\nTo: A\nSubject: x",
    "en long": "From: J\n <j@example.com>\nSent: Friday\nTo: A <a@b.example>;\n B <b@c.example>\nSubject: x",
    "es": "De: J <j@example.com>\nEnviado el: viernes, 20 de noviembre de 2026 9:00\nPara: A\nAsunto: x",
    "fi": "Lähettäjä: J <j@example.com>\nLähetetty: 20. marraskuuta 2026\nVastaanottaja: A\nAihe: x",
    "fr": "De : J <j@example.com>\nEnvoyé : vendredi 20 novembre 2026 09:00\nÀ : A\nObjet : x",
    "it": "Da: J <j@example.com>\nInviato: venerdì 20 novembre 2026 09:00\nA: A\nOggetto: x",
    "nl": "Van: J <j@example.com>\nVerzonden: vrijdag 20 november 2026 09:00\nAan: A\nOnderwerp: x",
    "no": "Fra: J <j@example.com>\nSendt: fredag 20. november 2026 09:00\nTil: A\nEmne: x",
    "pl": "Od: J <j@example.com>\nWysłano: piątek, 20 listopada 2026 09:00\nDo: A\nTemat: x",
    "pt": "De: J <j@example.com>\nEnviada em: sexta-feira, 20 de novembro de 2026 09:00\nPara: A\nAssunto: x",
    "ru": "От: J <j@example.com>\nОтправлено: 20 ноября 2026 г.\nКому: A\nТема: x",
    "sv": "Från: J <j@example.com>\nSkickat: den 20 november 2026 09:00\nTill: A\nÄmne: x",
}


@pytest.mark.parametrize("block", HEADER_BLOCKS.values(), ids=HEADER_BLOCKS)
@pytest.mark.parametrize("rule", ["", "________________________________\n", "-----\n"])
def test_header_block_of_outlook_begins_the_quote(block: str, rule: str) -> None:
    quoted = f"{rule}{block}\n\nThe old text."
    assert split(f"The new text.\n\n{quoted}") == Division("The new text.", quoted, "")


SEPARATORS = [
    "-----Original Message-----",
    "*-------- Original Message --------*",
    "-----Ursprüngliche Nachricht-----",
    "-------- Weitergeleitete Nachricht --------",
    "-------- Message d'origine --------",
    "-----Mensaje original-----",
    "-----Messaggio originale-----",
    "-----Oorspronkelijk bericht-----",
    "-----Mensagem original-----",
    "-----Ursprungligt meddelande-----",
    "-----Oprindelig meddelelse-----",
    "-----Opprinnelig melding-----",
    "-----Wiadomość oryginalna-----",
    "-----Původní zpráva-----",
    "---------- Forwarded message ---------",
    "Begin forwarded message:",
    "Anfang der weitergeleiteten Nachricht:",
]


@pytest.mark.parametrize("separator", SEPARATORS)
def test_separator_begins_the_quote(separator: str) -> None:
    assert split(f"New.\n\n{separator}\n\nOld.") == Division("New.", f"{separator}\n\nOld.", "")


PHONES = [
    "Sent from my iPhone",
    "Sent from my cell, please excuse any typos.",
    "Get Outlook for Android<https://aka.ms/x>",
    "Von meinem iPhone gesendet",
    "Gesendet von Outlook für iOS",
    "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
    "Envoyé de mon iPhone",
    "Envoyé à partir de Outlook pour iOS",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
    "Verstuurd vanaf mijn iPhone",
    "Enviado do meu iPhone",
    "Skickat från min iPhone",
    "Sendt fra min iPhone",
    "Wysłane z iPhone'a",
    "Odesláno z iPhonu",
    "Lähetetty iPhonesta",
    "Отправлено с iPhone",
    "iPhoneから送信",
]


@pytest.mark.parametrize("line", PHONES)
def test_line_of_a_phone_is_a_signature(line: str) -> None:
    assert split(f"New.\n\n{line}\n\nOn 20/11/2026 09:00, A wrote:\n> old").signature == line


def test_signature_begins_at_its_delimiter() -> None:
    assert split("New.\n-- \nAnna\n+49 1") == Division("New.", "", "-- \nAnna\n+49 1")
    assert split("New.\n--\nAnna") == Division("New.", "", "--\nAnna")
    assert split("New.\n\n> old\n\n-- \nAnna").signature == "-- \nAnna"


def test_closing_with_an_address_is_a_signature_and_without_it_is_text() -> None:
    assert split("New.\n\nKind regards\nAnna Berg\nExample Ltd\nPhone +44 20 123456").reply == "New."
    assert split("New.\n\nKind regards\nAnna Berg").signature == ""
    # A postscript is something that was said.
    assert split("New.\n\nRegards\nAnna\nwww.example.com\nPS: call me?").signature == ""


@pytest.mark.parametrize(
    "text",
    [
        "Ich schrieb Ihnen am 12.03.2026 um 10:00 Uhr Folgendes:\n\nDie Lampe ist dunkel.",
        "I wrote to you on 12/03/2026:\n\nthe lamp is dark.",
        "See https://example.com/on-date-someone-wrote: it is good.",
        "The data comes From: our database, not From: elsewhere.",
        "From: the beginning\nit was dark.",
        "Here is a fix -- this is no signature.",
        "On Thursday:\n\nthe lamp was dark.",
        "Sent from my desk, it is much easier than from a phone.",
        "Thanks a lot for 2026-11-20 09:00, the lamp:\nis dark",
        "- one\n- two\n\nthree",
    ],
)
def test_ordinary_text_is_all_reply(text: str) -> None:
    assert split(text) == Division(text, "", "")


def test_answers_between_quoted_lines_are_the_reply() -> None:
    text = "Hi,\n\nOn 20/11/2026 09:00, A wrote:\n> one?\n\nyes\n\n> two?\nno\n"
    division = split(text)
    assert division.reply == "Hi,\n\nyes\n\nno"
    assert division.quoted == "On 20/11/2026 09:00, A wrote:\n> one?\n\n> two?"


def test_text_below_an_old_header_block_with_marks_is_the_reply() -> None:
    text = "----- Original Message -----\nFrom: A\nSent: Friday\nSubject: x\n\n> old\n\nNew."
    assert split(text).reply == "New."


def test_unmarked_text_below_an_attribution_alone_is_the_reply() -> None:
    assert (
        split('On 8 May 2026 17:34, "A" <a@example.com> wrote:\n\nIt should be 2.0').reply
        == "It should be 2.0"
    )


def test_form_of_a_web_site_is_the_reply() -> None:
    form = "From: Anna\nDate: 20.11.2026\nSubject: Lamp\n\nThe lamp is dark."
    assert split(form) == Division(form, "", "")


def test_forward_without_a_word_has_no_reply() -> None:
    assert split("---------- Forwarded message ---------\nFrom: A\nSubject: x\n\nOld.").reply == ""


def test_beyond_the_limit_nothing_is_lost() -> None:
    assert divide("one\ntwo\nthree", 5) == Division("one\ntwo\nthree", "", "")
    assert divide("one\n> two\nthree", 9).quoted.endswith("three")


_LINES = st.sampled_from(
    [
        *(
            "",
            " ",
            "text",
            "> quoted",
            ">> deeper",
            "C> initials",
            "On 20/11/2026 09:00, A wrote:",
            "wrote:",
            "-- ",
            "--",
        ),
        *(
            "From: a",
            "Sent: b",
            "To: c",
            "Subject: d",
            "-----Original Message-----",
            "_____",
            "Kind regards",
            "Anna",
        ),
        *(
            "www.example.com",
            "Sent from my iPhone",
            "Am 1.1.2026 schrieb",
            "A <a@example.com>:",
            "schrieb A:",
        ),
    ]
)


@given(st.lists(_LINES, max_size=25))
def test_every_line_is_in_exactly_one_of_the_three(lines: list[str]) -> None:
    division = split("\n".join(lines))
    divided = "\n".join((division.reply, division.quoted, division.signature)).split("\n")
    assert _said(divided) == _said(lines)


def _said(lines: list[str]) -> Counter[str]:
    """Lines without blanks and marks; where all is quoted, marks may be taken off."""
    return Counter(line.strip(" >") for line in lines if line.strip(" >"))


@pytest.mark.corpus
def test_trimmed_replies_of_the_corpus_agree() -> None:
    folder = Path(os.environ["MAILPROC_CORPUS"]) / "quotes" / "email_reply_trimmer"
    agree = 0
    cases = sorted((folder / "trimmed").iterdir())
    for expected in cases:
        text = (folder / "emails" / expected.name).read_text(encoding="utf-8").replace("\r\n", "\n")
        own = [
            line
            for line in expected.read_text(encoding="utf-8").splitlines()
            if not line.startswith((">", "C>"))
        ]
        agree += split(text).reply.split() == " ".join(own).split()
    assert agree >= 0.94 * len(cases), f"{agree} of {len(cases)}"


def _beginnings(tree: Iterable[tuple[Any, Any]]) -> set[str]:
    """The first two letters of what a parsed pattern can match; fewer where it matches no more."""
    found = {""}
    for kind, of in tree:
        name = str(kind)
        if all(len(each) == 2 for each in found):
            break
        if name == "LITERAL":
            pieces = {chr(of)}
        elif name == "IN":
            pieces = {chr(letter) for _, letter in of}
        elif name == "BRANCH":
            pieces = set().union(*map(_beginnings, of[1]))
        elif name == "SUBPATTERN":
            pieces = _beginnings(of[3])
        else:
            assert name in ("MAX_REPEAT", "AT")
            pieces = _beginnings(of[2]) | ({""} if of[0] == 0 else set()) if name == "MAX_REPEAT" else {""}
        found = {(one + other)[:2] for one in found for other in pieces}
    return found


def test_closings_begin_as_it_is_said() -> None:
    """Lines that begin otherwise are never looked at."""
    _indent, *words = re._parser.parse(CLOSING.pattern, CLOSING.flags)  # type: ignore[attr-defined]
    assert {each for each in _beginnings(words) if each.isascii()} == CLOSING_BEGINNINGS


_STARTS = [
    " ",
    "\t",
    "\x1f",
    "*",
    "**",
    "-",
    "__",
    "<",
    "(",
    "Best wishes",
    "regards",
    "s ",
    "z",
    "word",
    ".",
]
_DEVICES = ["Sent from my phone", "Get Outlook for iOS", "Von meinem Telefon gesendet"]
_LINE = st.lists(st.sampled_from([*_STARTS, *_DEVICES]), max_size=4)


@settings(deadline=None)
@given(st.lists(_LINE.map("".join), max_size=12))
def test_lines_of_a_text_in_ascii_are_told_as_in_any_other(lines: list[str]) -> None:
    """One pattern finds them where all is ASCII; a letter beyond it makes each line be looked at."""
    beyond = [*lines, "é"]
    assert device_lines(lines) == device_lines(beyond)
    assert closings(lines, 0) == [i for i in closings(beyond, 0) if i < len(lines)]
    assert closings(lines, 2) == [i for i in closings(lines, 0) if i >= 2]
