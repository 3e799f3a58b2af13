"""Mistakes of a configuration as lines for who wrote it: ``FILE:LINE: KEY: TEXT``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mailproc.model.mistake import Mistake
from mailproc.toml import Document


def follows(mistake: Mistake, misread: Iterable[Mistake]) -> bool:
    """Whether a rule complains of what a misread value, or an item of an array, left behind."""
    left = {other.key for other in misread}
    left |= {other.key[:-1] for other in misread if isinstance(other.key[-1], int)}
    return any(mistake.key[:length] in left for length in range(len(mistake.key) + 1))


def lines_of(mistakes: Iterable[Mistake], document: Document) -> tuple[str, ...]:
    """One line each, those of the configuration first, by line; what several desks found is said once."""
    placed = {
        (mistake.file, mistake.line if mistake.file else document.line_of(mistake.key), mistake)
        for mistake in mistakes
    }
    ordered = sorted(placed, key=lambda entry: (entry[0], entry[1], entry[2].name, entry[2].text))
    return tuple(line_for(mistake, document.path, line) for _, line, mistake in ordered)


def line_for(mistake: Mistake, path: Path, line: int) -> str:
    place = f"{mistake.file or path}:{line}" if line else f"{mistake.file or path}"
    return f"{place}: {mistake.name}: {mistake.text}" if mistake.key else f"{place}: {mistake.text}"
