"""What a subject is about, without what clients, lists and gateways put before it.

``normalise`` strips our tags, list tags, reply and forward prefixes of some thirty languages with their
counters, and folds case and white space, so that the subjects of one conversation get one key.  The outermost
prefix says whether the mail is a reply or a forward.  It reads at most MAX_TEXT characters and never raises.

RFC 5322 section 3.6.5 knows only ``Re: ``; the others are what clients write.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

from mailproc.model.mac import remove_tags

MAX_TEXT = 1000  # characters of a subject that are read
MAX_KEY = 200  # characters of a key
_MAX_PREFIXES = 30
_MAX_KEPT = 5  # prefixes that stay before a tag

# One line a language or client.  "VS" answers in Finnish and Estonian and forwards in Danish and Norwegian:
# it is taken for a reply, as a reply that opens a ticket of its own is the worse mistake.
_REPLY = """
    re réf rép ref          en and most others, fr
    aw antwort              de
    antw betr               nl
    sv svar                 sv da nb is
    vs vast                 fi et
    res resp                pt
    rif r                   it
    odp                     pl cs sk
    odg                     hr sl sr bs
    vá                      hu
    ynt yan cvp             tr
    atb                     cy lv
    ats                     lt
    răsp rasp               ro
    bls balas               id ms
    tl trả_lời              vi
    απ σχετ απάντηση        el
    отв ответ               ru
    відп                    uk
    отг                     bg
    одг                     sr mk
    回复 答复 回覆 答覆       zh
    返信                     ja
    회신 답장                 ko
    תגובה השב תשובה          he
    رد الرد                 ar
    پاسخ                    fa
    ตอบ ตอบกลับ              th
    उत्तर                    hi
"""
_FORWARD = """
    fw fwd                  en and most others
    wg weitergeleitet       de
    doorst                  nl
    vb                      sv
    vl                      fi
    fs                      is
    tr                      fr
    i inoltro               it
    rv                      es ca gl
    enc encam               pt
    pd                      pl
    přep                    cs
    továbbítás tov          hu
    prosl proslj            hr sl
    i̇lt ilt                 tr
    edasi                   et
    pārs                    lv
    peradr                  lt
    trs teruskan            id ms
    yml                     cy
    chuyển_tiếp             vi
    πρθ                     el
    пересл пер              ru uk
    прен препр              bg sr mk
    转发 轉寄 轉發            zh
    転送                     ja
    전달                     ko
    הועבר                    he
    إعادة_توجيه              ar
    ส่งต่อ                    th
"""
# What a machine writes before the subject that it answers; it joins like a reply.
_ANSWERED_BY_MACHINE = """
    automatic_reply auto_reply autoreply out_of_office out_of_office_autoreply
    automatische_antwort abwesenheitsnotiz abwesend
    réponse_automatique absence_du_bureau
    respuesta_automática fuera_de_la_oficina
    resposta_automática ausência_temporária
    risposta_automatica fuori_sede
    automatisch_antwoord afwezigheidsbericht afwezig
    autosvar automatiskt_svar automatisk_svar
    automaattinen_vastaus automatyczna_odpowiedź automatická_odpověď automatikus_válasz
    автоответ 自动答复 自動回覆 自動応答
    undeliverable undelivered undelivered_mail unzustellbar non_remis no_se_puede_entregar
    accepted declined tentative read not_read zugesagt abgesagt gelesen
"""
_MARKED_BY_GATEWAY = "external extern externe ext external_email spam"


class _Kind(Enum):
    REPLY = 1
    FORWARD = 2
    MARK = 3


def _words(table: str, *, languages: bool) -> list[str]:
    lines = table.strip().splitlines()
    columns = (re.split(r" {2,}", line.strip())[0] if languages else line for line in lines)
    return [word.replace("_", " ").casefold() for column in columns for word in column.split()]


_PREFIXES: dict[str, _Kind] = {
    **dict.fromkeys(_words(_MARKED_BY_GATEWAY, languages=False), _Kind.MARK),
    **dict.fromkeys(_words(_ANSWERED_BY_MACHINE, languages=False), _Kind.REPLY),
    **dict.fromkeys(_words(_FORWARD, languages=True), _Kind.FORWARD),
    **dict.fromkeys(_words(_REPLY, languages=True), _Kind.REPLY),
}

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0e-\x1f]+")
_SPACE = re.compile(r"\s+")
# "Re:", "RE :", "Re[2]:", "Re^2:", "RE(3):", "Re*2:", "AW2:"; the letters are looked up, not listed here.
# Some scripts have marks beside letters.
_LETTER = r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u097f\u0e00-\u0e7f '.-])"
_PREFIX = re.compile(rf"([^\W\d_]{_LETTER}{{0,29}}?)\.?\s?[\[(^*]?\d{{0,3}}[\])]?\s?:\s*")
_LONGEST_PREFIX = 40  # characters with the colon
_MARK = re.compile(r"(?:\*{1,6}\s?[\w? -]{1,40}\s?\*{1,6}|\{[\w? -]{1,40}\})\s*")
_LIST_TAG = re.compile(r"\[[^\[\]]{1,60}\]\s*")
_OLD_FORWARD = re.compile(r"\[\s?fwd?\s?:(.*)\]", re.IGNORECASE)
_FORWARD_SUFFIX = re.compile(r"\s*\(fwd\)$")


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """``key`` is "" where nothing is left to compare by; such a subject never joins anything."""

    key: str
    is_reply: bool
    is_forward: bool


def normalise(subject: str) -> SubjectKey:
    """The key of a subject, and what its outermost prefix says."""
    rest = _plain(subject) if subject else ""
    kind: _Kind | None = None
    kept: list[str] = []
    for _ in range(_MAX_PREFIXES):
        found, tag, shorter = _strip_one(rest)
        if shorter == rest:
            break
        rest = shorter
        if tag:
            kept.append(tag)
        if kind is None and found in (_Kind.REPLY, _Kind.FORWARD):
            kind = found
    suffixed = 0
    if rest.endswith("(fwd)"):
        rest, suffixed = _FORWARD_SUFFIX.subn("", rest)
    key = " ".join([*kept, rest]).strip()[:MAX_KEY].rstrip()
    is_forward = kind is _Kind.FORWARD or (kind is None and suffixed > 0)
    return SubjectKey(key, kind is _Kind.REPLY, is_forward)


def with_tag(subject: str, tag: str) -> str:
    """The subject with this tag once, behind ``Re:`` and its like, and no other tag."""
    rest = _without_tags(subject[:MAX_TEXT])
    prefixes: list[str] = []
    while len(prefixes) < _MAX_KEPT and (match := _PREFIX.match(rest)):
        kind = _PREFIXES.get(unicodedata.normalize("NFKC", match[1]).casefold())
        if kind not in (_Kind.REPLY, _Kind.FORWARD):
            break
        prefixes.append(match[0].strip())
        rest = rest[match.end() :]
    return " ".join([*prefixes, tag, rest]).strip()


def _without_tags(subject: str) -> str:
    """Without tags, and without those that appear when others are gone."""
    while True:
        shorter = " ".join(remove_tags(subject).split())
        if shorter == subject:
            return subject
        subject = shorter


def _plain(subject: str) -> str:
    """One line of folded, composed letters without our tags; full-width signs become plain ones."""
    text = subject[:MAX_TEXT]
    if text.isascii() and text.isprintable():
        return " ".join(remove_tags(text).split()).lower()
    text = unicodedata.normalize("NFKC", text)[:MAX_TEXT]
    text = _INVISIBLE.sub("", remove_tags(text))
    return _SPACE.sub(" ", text).strip().casefold()


def _strip_one(text: str) -> tuple[_Kind | None, str, str]:
    """One prefix less: its kind, the tag to keep in the key, and what follows."""
    first = text[:1]
    if first == "[" and (old := _OLD_FORWARD.fullmatch(text)):
        return _Kind.FORWARD, "", old[1].strip()
    match = _PREFIX.match(text) if ":" in text[:_LONGEST_PREFIX] else None
    if match and (kind := _PREFIXES.get(match[1])):
        return kind, "", text[match.end() :]
    if first in ("*", "{") and (match := _MARK.match(text)):
        return _Kind.MARK, "", text[match.end() :]
    if first == "[" and (match := _LIST_TAG.match(text)):
        return _Kind.MARK, _identity(match[0].strip()), text[match.end() :]
    return None, "", text


def _identity(tag: str) -> str:
    """A bracketed tag that names one thing, as ``[bug 217238]``, stays in the key; a list's name does not."""
    return tag if any(letter.isdigit() for letter in tag) else ""
