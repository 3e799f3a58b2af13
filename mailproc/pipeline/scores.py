"""Which scores does a filter publish?  Read from its source, so that ``when`` can know a misspelt one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_SCORE = re.compile(r"""\bdelivery\.score\b(?:\(\s*(["'])(\w+)\1)?""")


def published_scores(files: Iterable[Path]) -> frozenset[str] | None:
    """The names in all ``delivery.score("NAME", …)``; None where one of them is no literal."""
    text = "\n".join(file.read_text("utf-8", "replace") for file in files)
    names = frozenset(found[2] for found in _SCORE.finditer(text))
    return None if None in names else names
