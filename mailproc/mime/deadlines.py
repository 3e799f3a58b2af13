"""Dates by which something is wanted: "until 24.12.2026", "by December 3rd", "within 14 days", "bis Freitag".

Only what follows a word that sets a limit counts, in English, German, French, Spanish, Portuguese, Italian
and Dutch. A date without a year is the next one; a date of digits is read as its language writes it: month
first only in American English, which is taken where the day would not be one otherwise. Never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

MOST = 5
FARTHEST = 3 * 366  # days; a date beyond is no deadline of a letter

_MONTHS = (
    "january janvier januar januari enero janeiro gennaio jan ene gen",
    "february février fevrier februar februari febrero fevereiro febbraio feb fév fev",
    "march mars märz maart marzo março mar mär mrt",
    "april avril abril aprile apr avr abr",
    "may mai mei mayo maio maggio mag",
    "june juin juni junio junho giugno jun giu",
    "july juillet juli julio julho luglio jul lug",
    "august août aout augustus agosto aug ago",
    "september septembre septiembre setembro settembre sep sept set",
    "october octobre oktober octubre outubro ottobre oct okt out ott",
    "november novembre noviembre novembro nov",
    "december décembre decembre dezember diciembre dezembro dicembre dec déc dez dic",
)
_WEEKDAYS = (
    "monday montag lundi lunes segunda lunedì maandag",
    "tuesday dienstag mardi martes terça martedì dinsdag",
    "wednesday mittwoch mercredi miércoles quarta mercoledì woensdag",
    "thursday donnerstag jeudi jueves quinta giovedì donderdag",
    "friday freitag vendredi viernes sexta venerdì vrijdag",
    "saturday samstag sonnabend samedi sábado sabato zaterdag",
    "sunday sonntag dimanche domingo domenica zondag",
)
_SOON = {
    "today": 0, "heute": 0, "hoy": 0, "hoje": 0, "oggi": 0, "vandaag": 0, "aujourd'hui": 0,
    "tomorrow": 1, "morgen": 1, "demain": 1, "mañana": 1, "amanhã": 1, "domani": 1, "übermorgen": 2,
}  # fmt: skip
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_WEEKDAY = {name: number for number, names in enumerate(_WEEKDAYS) for name in names.split()}
_UNITS = {
    **dict.fromkeys(("day", "days", "tag", "tage", "tagen", "jour", "jours", "día", "días", "dia", "dias",
    "giorno",
                     "giorni", "dag", "dagen"), 1),
    **dict.fromkeys(("week", "weeks", "woche", "wochen", "semaine", "semaines", "semana", "semanas",
    "settimana",
                     "settimane", "weken"), 7),
    **dict.fromkeys(("hour", "hours", "stunde", "stunden", "heure", "heures", "hora", "horas", "ore", "uur"),
    0),
}  # fmt: skip
# Words that set a limit, as whole phrases; every one is followed by the moment itself.
_LIMIT = (
    r"until|till|by|before|no later than|not later than|deadline(?: is)?:?|due(?: date)?(?: is| on| by)?:?"
    r"|bis(?: spätestens)?(?: zum| am)?|spätestens(?: am| bis| bis zum)?|vor dem|frist:?|fällig(?: am)?:?"
    r"|zahlbar bis(?: zum)?:?|avant(?: le)?|jusqu'au|d'ici(?: le| au)?|au plus tard le|échéance:?"
    r"|antes del?|hasta el|hasta|a más tardar el|vence el|até(?: o dia| dia)?|antes de|prazo:?"
    r"|entro(?: il| e non oltre il)?|fino al|scadenza:?|vóór|voor|uiterlijk(?: op)?|tot(?: en met)?"
)
_DAY_NAME = "|".join(sorted({*_WEEKDAY, *_SOON}, key=len, reverse=True))
_MONTH_NAME = "|".join(sorted(_MONTH, key=len, reverse=True))
_MOMENT = (
    r"(?P<iso>\d{4}-\d{2}-\d{2})"
    r"|(?P<d>\d{1,2})[./](?P<m>\d{1,2})(?:[./](?P<y>\d{4}|\d{2})\b|\.)?"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?(?: of| de)? (?P<mn>{_MONTH_NAME})\b\.?(?:,"
    rf"? (?:de )?(?P<y2>\d{{4}}))?"
    rf"|(?P<mn3>{_MONTH_NAME})\b\.? (?P<d3>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<y3>\d{{4}}))?"
    rf"|(?P<name>{_DAY_NAME})\b"
)
_ARTICLE = r"(?:the |next |this |coming |dem |den |nächsten |kommenden |le |el |il |o |de )?"
_WEEKDAY_FIRST = rf"(?:(?:{'|'.join(_WEEKDAY)}),? (?:den |le |el |the )?(?=\d))?"
_BY = re.compile(rf"(?<!\w)(?:{_LIMIT})\s{{1,3}}{_ARTICLE}{_WEEKDAY_FIRST}(?:{_MOMENT})")
_WITHIN = re.compile(
    r"(?<!\w)(?:within|in the next|innerhalb(?: von| der nächsten)?|binnen|dans(?: les)?|sous"
    r"|en(?: un plazo de)?"
    r"|dentro de|em até|entro|binnen de)\s{1,3}(\d{1,3})\s?("
    + "|".join(sorted(_UNITS, key=len, reverse=True))
    + r")\b"
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The day, and the words that name it."""

    day: date
    words: str


def deadlines_in(text: str, today: date, *, month_first: bool = False) -> tuple[Deadline, ...]:
    """The first few different ones, the nearest first; none of the past and none that is years away."""
    found: dict[date, Deadline] = {}
    for day, words in _found(" ".join(text.lower().split()), today, month_first):
        if 0 <= (day - today).days <= FARTHEST:
            found.setdefault(day, Deadline(day, words))
    return tuple(sorted(found.values(), key=lambda each: each.day)[:MOST])


def _found(text: str, today: date, month_first: bool) -> Iterator[tuple[date, str]]:
    for match in _BY.finditer(text):
        day = _day(match.groupdict(), today, month_first)
        if day is not None:
            yield day, match.group()
    for match in _WITHIN.finditer(text):
        yield today + timedelta(days=int(match[1]) * _UNITS[match[2]]), match.group()


def _day(parts: dict[str, str | None], today: date, month_first: bool) -> date | None:
    if parts["name"]:
        return _named(parts["name"], today)
    if parts["iso"]:
        year, month, day = map(int, parts["iso"].split("-"))
        return _date(year, month, day)
    if parts["d"]:
        day, month = int(parts["d"]), int(parts["m"] or 0)
        if (month_first and day <= 12) or month > 12:
            day, month = month, day
        return _with_year(parts["y"], month, day, today)
    name = parts["mn"] or parts["mn3"] or ""
    day = int(parts["d2"] or parts["d3"] or 0)
    return _with_year(parts["y2"] or parts["y3"], _MONTH.get(name, 0), day, today)


def _named(name: str, today: date) -> date:
    if name in _SOON:
        return today + timedelta(days=_SOON[name])
    return today + timedelta(days=(_WEEKDAY[name] - today.weekday() - 1) % 7 + 1)


def _with_year(year: str | None, month: int, day: int, today: date) -> date | None:
    if year is not None:
        return _date(int(year) + (2000 if len(year) == 2 else 0), month, day)
    this = _date(today.year, month, day)
    return this if this is not None and this >= today else _date(today.year + 1, month, day)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
