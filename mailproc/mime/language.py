"""In which language a mail is written (ISO 639-1), or "" where it cannot be said with confidence."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier  # type: ignore[import-untyped]

LANGUAGES = frozenset({
    "ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hr", "hu", "it", "ja",
    "ko", "lt", "lv", "nb", "nl", "nn", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sr", "sv", "th", "tr",
    "uk", "vi", "zh",
})  # fmt: skip
_FEWEST_LETTERS = 20
_MOST_LETTERS = 3000  # more says nothing more
_CONFIDENCE = 0.6  # of the best
_MARGIN = 0.25  # by which it is ahead of the second
_NO_LANGUAGE = ("@", "://", "www.", "<", "=")  # of a word that is no word of any language
_SIGNS = re.compile(r"[\d_#*+/|~^>-]+")
_NORWEGIAN = frozenset({"nb", "nn"})


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # half a second to load

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(sorted(LANGUAGES.intersection(identifier.nb_classes)))
    return identifier


def language_of(text: str) -> str:
    """The language of a text of at least 20 letters."""
    spoken = (
        word for word in text[: 4 * _MOST_LETTERS].split() if not any(map(word.__contains__, _NO_LANGUAGE))
    )
    words = _SIGNS.sub(" ", " ".join(spoken))[:_MOST_LETTERS]
    if _weight(words) < _FEWEST_LETTERS:
        return ""
    (language, confidence), (_, second) = _identifier().rank(words)[:2]
    if confidence < _CONFIDENCE or confidence - second < _MARGIN:
        return ""
    return "no" if language in _NORWEGIAN else str(language)


def _weight(text: str) -> int:
    """Letters in text; an ideograph or kana says as much as several Latin letters."""
    return sum(4 if letter >= "\u2e80" else 1 for letter in text if letter.isalpha())
