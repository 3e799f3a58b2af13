"""The template of the mail that tells a silent customer that the ticket will be closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mailproc.pipeline.letters import Letters, read_letters

NAME = "closing"  # closing.DESK.LANGUAGE.j2, else closing.LANGUAGE.j2
_SAMPLE: Mapping[str, str] = {
    "number": "2026112100017",
    "tag": "[T#2026112100017-k7q2mx]",
    "desk": "Example Support",
    "address": "support@example.org",
    "language": "en",
    "subject": "Printer on fire",
    "day": "2026-12-08",
}


def read_closing(folders: Sequence[str]) -> Letters:
    """The letter in every language; ValueError says what is wrong with them."""
    return read_letters([NAME], folders, _SAMPLE)
