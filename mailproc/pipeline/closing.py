"""The template of the mail that tells a silent customer that the ticket will be closed."""

from __future__ import annotations

from collections.abc import Mapping

from mailproc.pipeline.mail_templates import template_sources
from mailproc.pipeline.template import MailTemplate, compile_template

NAME = "closing"  # closing.DESK.LANGUAGE.j2, else closing.LANGUAGE.j2
SAMPLE: Mapping[str, str] = {
    "number": "2026112100017",
    "tag": "[T#2026112100017-k7q2mx]",
    "desk": "Example Support",
    "address": "support@example.org",
    "language": "en",
    "subject": "Printer on fire",
    "day": "2026-12-08",
}


def read_closing(folders: tuple[str, ...]) -> dict[str, MailTemplate]:
    """Every variant by its name; ValueError names those that are none, or that there is no English one."""
    found: dict[str, MailTemplate] = {}
    mistakes = []
    for name, source in template_sources(NAME, folders):
        try:
            found[name] = _read(source)
        except ValueError as error:
            mistakes.append(f"{name}.j2: {error}")
    if f"{NAME}.en" not in found:
        mistakes.append(f"{NAME}.en.j2: not found in {', '.join(folders) or 'any folder'}")
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return found


def _read(source: str) -> MailTemplate:
    template = compile_template(source, SAMPLE)
    if not template.render(SAMPLE).lower().startswith("subject:"):
        raise ValueError('the first line must be "Subject: …"')
    return template
