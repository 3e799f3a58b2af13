"""Letters from template files: the first line is the subject, the rest the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailproc.model.desk import Desk
from mailproc.model.line import one_line
from mailproc.pipeline.mail_templates import best_template, template_sources
from mailproc.pipeline.template import MailTemplate, Value, compile_template

FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Letters:
    """All variants of some letters, compiled and tried."""

    templates: Mapping[str, MailTemplate] = field(default_factory=dict)

    def best(self, name: str, desk: Desk, language: str) -> tuple[str, MailTemplate | None]:
        """The language and the letter that fit best."""
        return best_template(self.templates, name, desk, language)


def read_letters(names: Sequence[str], folders: Sequence[str], sample: Mapping[str, Value]) -> Letters:
    """Read and try them with sample values, which are also all the values that they may ask for.

    ValueError names those that are none, and those of which there is no English one.
    """
    found: dict[str, MailTemplate] = {}
    mistakes: list[str] = []
    for name in dict.fromkeys(names):
        sources = list(template_sources(name, tuple(folders)))
        if f"{name}.{FALLBACK}" not in dict(sources):
            mistakes.append(f"{name}.{FALLBACK}.j2: not found in {', '.join(folders) or 'any folder'}")
        for key, source in sources:
            try:
                found[key] = compile_template(source, sample.keys())
                render_letter(found[key], sample)
            except ValueError as error:
                mistakes.append(f"{key}.j2: {error}")
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return Letters(found)


def render_letter(template: MailTemplate, values: Mapping[str, Value]) -> tuple[str, str]:
    """Subject and text; ValueError where a value is missing, or the first line is no subject."""
    first, _, rest = template.render(values).partition("\n")
    name, colon, subject = first.partition(":")
    if not colon or name.lower() != "subject":
        raise ValueError('the first line must be "Subject: …"')
    return one_line(subject), rest.strip("\n") + "\n"
