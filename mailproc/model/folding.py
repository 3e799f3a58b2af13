"""Words as a search compares them: without case, accents and the differences between ways to spell.

``fold`` is for both sides, what is searched and what is asked.  What is asked is looked for in each of its
``spellings`` besides: who types "Mueller" finds "Müller", and who types "Müller" finds "Mueller".
The text itself is folded to one form only, so that "neu" does not find "neue".

German compounds are not taken apart.  Writing without spaces (Chinese, Japanese, Thai) is searched letter by
letter, as a phrase.  Nothing here raises.
"""

from __future__ import annotations

import itertools
import re
import unicodedata

MOST_SPELLINGS = 16

_MARKS = re.compile("[\u0300-\u036f]+")
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[^\W_]+")
# What Unicode does not decompose, and what nobody sees: soft hyphens, zero widths.
_PLAIN = str.maketrans(
    {"ø": "o", "œ": "oe", "æ": "ae", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i", "ħ": "h"}
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", "")
)
_AMBIGUOUS = re.compile("ae|oe|ue|[äæöøœüå]")
_SPELT = {
    **dict.fromkeys(("ä", "æ", "ae"), ("ae", "a")),
    **dict.fromkeys(("ö", "ø", "œ", "oe"), ("oe", "o")),
    **dict.fromkeys(("ü", "ue"), ("ue", "u")),
    "å": ("a", "aa"),
}


def fold(text: str) -> str:
    """Lower case, without accents; ß is ss, æ is ae, and what looks alike is alike (NFKD)."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.encode("utf-8", "replace").decode())
    plain = _MARKS.sub("", decomposed.casefold()).translate(_PLAIN)
    return _UNSPACED.sub(r" \g<0> ", unicodedata.normalize("NFC", plain))


def words(text: str) -> list[str]:
    """The words of a folded text, in order: letters and digits only."""
    return _WORD.findall(text)


def spellings(text: str) -> tuple[str, ...]:
    """The folded words of ``text``, with one space between them, in every way they may be spelt.

    At most MOST_SPELLINGS; none for a text without words.
    """
    composed = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode()).lower()
    kept = _AMBIGUOUS.split(composed)
    choices = [_SPELT[found] for found in _AMBIGUOUS.findall(composed)]
    made: dict[str, None] = {}
    for chosen in itertools.islice(itertools.product(*choices), MOST_SPELLINGS):
        spelt = "".join(itertools.chain(*zip(kept, (*chosen, ""), strict=True)))
        made[" ".join(words(fold(spelt)))] = None
    return tuple(each for each in made if each)
